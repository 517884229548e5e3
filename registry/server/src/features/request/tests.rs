use super::params::{decode_again, repository_name};
use super::query::{Term, holds, parse};

#[test]
fn terms_are_read() {
    let query = parse("name=~al,public=true,owner={a 'b' \"c\"},n=[1~],tags=(x y)").unwrap();
    assert_eq!(query.get(&["name"]), Some(&Term::Fuzzy("al".into())));
    assert_eq!(query.switch(&["public"]), Some(true));
    assert_eq!(
        query.get(&["owner"]),
        Some(&Term::Any(vec!["a".into(), "b".into(), "c".into()]))
    );
    assert_eq!(query.get(&["n"]), Some(&Term::Range(Some("1".into()), None)));
    assert_eq!(
        query.get(&["tags"]),
        Some(&Term::All(vec!["x".into(), "y".into()]))
    );
    assert_eq!(parse("name=\\~x").unwrap().exact(&["name"]), Some("~x"));
}

#[test]
fn q_is_decoded_once_more() {
    let query = parse("Level%3Dproject%2CProjectID%3D1").unwrap();
    assert_eq!(query.exact(&["Level"]), Some("project"));
    assert_eq!(query.number(&["ProjectID"]).unwrap(), Some(1));
    assert_eq!(
        parse("name=alpha%2Bci").unwrap().exact(&["name"]),
        Some("alpha+ci")
    );
    assert_eq!(parse("name=alpha+ci").unwrap().exact(&["name"]), Some("alpha+ci"));
}

#[test]
fn bad_terms_are_refused() {
    for bad in [",,,", "name", "=x", "name=", "name=~", "n=[1~2~3]", "n=[1]"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn patterns_hold_no_wildcards_of_the_caller() {
    assert_eq!(holds("a_b%c\\"), "%a\\_b\\%c\\\\%");
}

#[test]
fn repository_names_are_decoded_twice() {
    assert_eq!(repository_name("p", "a%2Fb").unwrap().as_str(), "p/a/b");
    assert_eq!(repository_name("p", "a/b").unwrap().as_str(), "p/a/b");
    assert_eq!(decode_again("a+b%2Bc"), "a+b+c");
    assert!(repository_name("p", "..%2Fother").is_none());
}

#[tokio::test]
async fn nulls_say_nothing() {
    use axum::extract::{FromRequest, Request};

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Wanted {
        name: String,
        #[serde(default)]
        old: String,
        more: Option<std::collections::BTreeMap<String, String>>,
    }
    let read = async |text: &'static str| {
        let request = Request::new(axum::body::Body::from(text));
        super::Body::<Wanted>::from_request(request, &())
            .await
            .map(|body| body.0)
    };
    let wanted = Wanted {
        name: "n".to_owned(),
        old: String::new(),
        more: Some([("a".to_owned(), "b".to_owned())].into()),
    };
    let given = r#"{"name":"n","old":null,"x":[null],"more":{"a":"b","c":null}}"#;
    assert_eq!(read(given).await.unwrap(), wanted);
    for bad in [r#"{"name":null}"#, "null", "[]", "{", r#"{"name":1}"#] {
        assert!(read(bad).await.is_err(), "{bad}");
    }
}
