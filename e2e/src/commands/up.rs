//! `cargo xtask up`: a cluster with Slipway, a registry, a project and a pod pulled from it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use kube::api::Api;

use super::block_on;
use crate::platform::Platform;
use crate::progress::Progress;
use crate::story;

/// A cluster with Slipway, a registry, a project and a pod pulled from it.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// Use this context of your kubeconfig instead of starting a cluster.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Optimised binaries: slower to build, faster to use.
    #[arg(long)]
    release: bool,
}

impl Up {
    /// Starts what is not there yet; the second time there is little to do.
    pub fn run(self) -> Result<()> {
        block_on(self.everything())
    }

    async fn everything(self) -> Result<()> {
        let progress = Progress::new();
        let platform = Platform::choose(self.context.as_deref(), progress).await?;
        let images = platform.provide_images(self.release, progress)?;
        let client = platform.client().await?;
        story::install_operator(&platform, &images, progress)?;
        story::apply_samples(&client).await?;
        let status = {
            let _step = progress.step("Registry main is Ready");
            story::registry_is_ready(&client, Duration::from_secs(300)).await?
        };
        {
            let _step = progress.step("Project team-a is Ready");
            story::project_is_ready(&client, Duration::from_secs(120)).await?;
        }
        let host = status["hostname"]
            .as_str()
            .context("the Registry's status has no hostname")?
            .to_owned();
        let login = story::Login::of_sample(&client, &host).await?;
        let reference = if platform.admit_host(&host, &login.authority)? {
            Some(story::push_and_run(&platform, &client, &login, &images.hello, progress).await?)
        } else {
            None
        };
        report(&platform, &client, &login, reference.as_deref()).await
    }
}

async fn report(
    platform: &Platform,
    client: &Client,
    login: &story::Login,
    reference: Option<&str>,
) -> Result<()> {
    let host = &login.host;
    let authority = crate::paths::state().join(format!("{host}-ca.crt"));
    std::fs::write(&authority, &login.authority)?;
    let admin = admin_password_hint(client).await?;
    println!();
    println!("Slipway is up.");
    println!(
        "  registry    https://{host}   (authority: {})",
        authority.display()
    );
    println!(
        "  KUBECONFIG  export KUBECONFIG={}",
        platform.kubeconfig().display()
    );
    println!("  admin       {admin}");
    println!(
        "  robot       {} ; its secret is in Secret team-a/team-a-registry",
        login.user
    );
    println!();
    println!("Try next:");
    println!("  kubectl get registry,rproj --all-namespaces");
    if let Some(ingress) = platform.ingress() {
        let (address, port) = ingress.rsplit_once(':').unwrap_or((&ingress, "443"));
        println!(
            "  curl --cacert {} --resolve {host}:{port}:{address} https://{host}:{port}/api/v2.0/health",
            authority.display()
        );
    }
    if let Some(proxy) = platform.proxy() {
        println!(
            "  HTTPS_PROXY={proxy} SSL_CERT_FILE={} crane ls {host}/team-a/hello",
            authority.display()
        );
    }
    match reference {
        Some(reference) => {
            println!("  kubectl --namespace team-a logs pod/hello      # runs {reference}");
        }
        None => {
            println!(
                "  make {host} lead to your Ingress and let the nodes trust the authority above, then push to"
            );
            println!(
                "  {host}/team-a/NAME and run it in namespace team-a: its service account has the pull Secret"
            );
        }
    }
    println!("  cargo xtask down");
    Ok(())
}

/// How to read the administrator's password; the password itself is not printed.
async fn admin_password_hint(client: &Client) -> Result<String> {
    use k8s_openapi::api::core::v1::Secret;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), story::REGISTRY.1);
    let name = format!("{}-admin", story::REGISTRY.0);
    let key = match secrets.get_opt(&name).await? {
        Some(secret) => secret
            .data
            .unwrap_or_default()
            .into_keys()
            .find(|key| key.contains("password")),
        None => None,
    };
    Ok(format!(
        "kubectl --namespace {} get secret {name} -o jsonpath='{{.data.{}}}' | base64 -d",
        story::REGISTRY.1,
        key.unwrap_or_else(|| "password".into())
    ))
}
