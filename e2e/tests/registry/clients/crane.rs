//! crane.

use anyhow::{Result, ensure};

use super::{Person, Site, layout, only_digest, refused, said};

#[tokio::test]
async fn crane_pushes_pulls_copies_lists_and_deletes() -> Result<()> {
    let site = Site::start("crane").await?;
    insiders(&site)?;
    strangers(&site)?;
    site.end().await
}

/// What those do who may.
pub(crate) fn insiders(site: &Site) -> Result<()> {
    for person in site.insiders()? {
        images(site, &person)?;
        indexes(&person)?;
    }
    Ok(())
}

fn images(site: &Site, person: &Person<'_>) -> Result<()> {
    let crane = || person.tool("crane");
    let login = [
        "auth",
        "login",
        &site.host(),
        "--username",
        &person.user,
        "--password",
        &person.password,
    ];
    said(crane().args(login))?;
    let source = person.home.join("image");
    let digest = layout::image(&source, "crane")?;
    let image = person.repository("p", "image");

    let pushed = said(crane().arg("push").arg(&source).arg(format!("{image}:v1")))?;
    ensure!(pushed == format!("{image}@{digest}"), "push said {pushed}");
    ensure!(
        said(crane().args(["digest", &format!("{image}:v1")]))? == digest,
        "another digest"
    );
    let copy = person.repository("p", "copy");
    said(crane().args(["copy", &format!("{image}:v1"), &format!("{copy}:v2")]))?;
    said(crane().args(["tag", &format!("{image}:v1"), "stable"]))?;
    ensure!(
        said(crane().args(["ls", &image]))?.lines().collect::<Vec<_>>() == ["stable", "v1"],
        "other tags"
    );

    let pulled = person.home.join("pulled");
    said(
        crane()
            .args(["pull", "--format=oci", &format!("{copy}:v2")])
            .arg(&pulled),
    )?;
    ensure!(only_digest(&pulled)? == digest, "another image came back");
    said(crane().args(["validate", "--remote", &format!("{copy}:v2")]))?;

    said(crane().args(["delete", &format!("{copy}@{digest}")]))?;
    ensure!(
        said(crane().args(["ls", &copy]))?.is_empty(),
        "the deleted image has tags"
    );
    ensure!(
        said(crane().args(["digest", &format!("{image}:v1")]))? == digest,
        "the copy's deletion took the original"
    );
    Ok(())
}

fn indexes(person: &Person<'_>) -> Result<()> {
    let crane = || person.tool("crane");
    let source = person.home.join("index");
    let (digest, children) = layout::index(&source, "crane")?;
    let index = format!("{}:v1", person.repository("p", "index"));
    said(crane().arg("push").arg(&source).arg(&index))?;
    ensure!(said(crane().args(["digest", &index]))? == digest, "another index");
    for (platform, child) in ["linux/amd64", "linux/arm64"].into_iter().zip(&children) {
        ensure!(
            said(crane().args(["digest", "--platform", platform, &index]))? == *child,
            "another {platform}"
        );
    }
    let copy = format!("{}:v1", person.repository("p", "index-copy"));
    said(crane().args(["copy", &index, &copy]))?;
    ensure!(
        said(crane().args(["digest", &copy]))? == digest,
        "the copy is another index"
    );
    said(crane().args(["validate", "--remote", &copy]))?;
    Ok(())
}

/// Whoever may not look learns nothing: not even whether a repository is there.
fn strangers(site: &Site) -> Result<()> {
    let [_, robot] = site.insiders()?;
    let stranger = site.stranger()?;
    let there = format!("{}/p/image-admin", site.host());
    let missing = format!("{}/p/nothing-here", site.host());
    for words in [["ls"].as_slice(), ["digest"].as_slice(), ["manifest"].as_slice()] {
        let [there, missing] =
            [&there, &missing].map(|name| refused(stranger.tool("crane").args(words).arg(name)));
        let neutral = |text: String| {
            text.replace("image-admin", "NAME")
                .replace("nothing-here", "NAME")
        };
        let without_ids = |text: String| {
            let kept: Vec<&str> = text.split('"').filter(|part| part.len() < 30).collect();
            kept.join("\"")
        };
        let (there, missing) = (without_ids(neutral(there?)), without_ids(neutral(missing?)));
        ensure!(
            there == missing,
            "{words:?} tells them apart:\n{there}\n{missing}"
        );
    }
    let source = site.folder.path().join("admin/image");
    refused(
        stranger
            .tool("crane")
            .arg("push")
            .arg(&source)
            .arg(format!("{there}:v9")),
    )?;
    refused(
        robot
            .tool("crane")
            .arg("push")
            .arg(&source)
            .arg(format!("{}/q/image:v1", site.host())),
    )?;
    refused(
        robot
            .tool("crane")
            .args(["ls", &format!("{}/q/image", site.host())]),
    )?;
    Ok(())
}
