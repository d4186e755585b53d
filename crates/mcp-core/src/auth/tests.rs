use super::*;
use crate::{SecretString, fleet::BAYES};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn refused(core: &CoreConfig) -> String {
    check(core).expect_err("a wrong configuration").to_string()
}

#[test]
fn wrong_settings_are_named() {
    let core = CoreConfig::default;
    let short = refused(&CoreConfig { jwt_secret: Some(secret("short")), ..core() });
    assert!(short.starts_with("jwt_secret: has 5 bytes"), "{short}");
    let jwks = || Some("https://login.example.com/keys".to_owned());
    let both = refused(&CoreConfig { jwt_secret: Some(secret(KEY)), jwks_url: jwks(), ..core() });
    assert!(both.starts_with("jwt_secret: is set together"), "{both}");
    let nobody = refused(&CoreConfig { jwks_url: jwks(), ..core() });
    assert!(nobody.starts_with("jwt_issuer"), "{nobody}");
    let nothing = refused(&CoreConfig { auth: vec![AuthMode::Jwt], ..core() });
    assert!(nothing.starts_with("auth: has jwt"), "{nothing}");
    for url in ["http://login.example.com/keys", "ftp://x", "keys", "https://a:b@c/keys"] {
        let wrong = refused(&CoreConfig { jwks_url: Some(url.to_owned()), ..core() });
        assert!(wrong.starts_with("jwks_url"), "{wrong}");
    }
    for url in ["mcp.example.com", "https://mcp.example.com/mcp/", "ftp://x/mcp"] {
        let wrong = refused(&CoreConfig { public_url: Some(url.to_owned()), ..core() });
        assert!(wrong.starts_with("public_url"), "{wrong}");
    }
    assert!(check_clock(1_000_000_000).is_err());
    assert!(check_clock(jsonwebtoken::get_current_timestamp()).is_ok());
    let now = Utc::now();
    for (made, good) in [(None, true), (Some(1), true), (Some(-400), true), (Some(25), false)] {
        let made = made.map(|hours| now + TimeDelta::hours(hours));
        assert_eq!(check_clock_against(now, made).is_ok(), good, "{made:?}");
    }
}

fn authenticator(dir: &Path, core: &CoreConfig) -> Authenticator {
    let state = StateDir::new(dir.to_path_buf());
    Authenticator::open(core, &BAYES, &state, &Upstreams::default()).expect("an authenticator")
}

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::AUTHORIZATION, value.parse().unwrap());
    }
    headers
}

#[tokio::test]
async fn without_a_mode_everyone_is_anonymous() {
    let dir = tempfile::tempdir().unwrap();
    let open = authenticator(&dir.path().join("state"), &CoreConfig::default());
    assert_eq!(open.identify(&headers(&[]), None).await, Ok(Principal::anonymous()));
    assert!(!dir.path().join("state").exists());
}

#[tokio::test]
async fn the_first_start_makes_a_key_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let core = || CoreConfig { auth: vec![AuthMode::ApiKey], ..CoreConfig::default() };
    let closed = authenticator(dir.path(), &core());
    let key = key_file::shown(&dir.path().join("api_keys.json")).unwrap();
    let bearer = format!("Bearer {key}");
    assert_eq!(closed.identify(&headers(&[&bearer]), None).await.unwrap().id(), "key:first");
    assert_eq!(closed.identify(&headers(&[]), None).await, Err(Denied::Unknown { given: false }));
    for wrong in ["Bearer", "Bearer ", "Basic x", &key, "Bearer mk_bayes_wrong"] {
        let denied = closed.identify(&headers(&[wrong]), None).await;
        assert_eq!(denied, Err(Denied::Unknown { given: true }), "{wrong}");
    }
    assert!(closed.identify(&headers(&[&bearer, &bearer]), None).await.is_err());
    let again = authenticator(dir.path(), &core());
    assert!(again.identify(&headers(&[&bearer]), None).await.is_ok());
}

#[tokio::test]
async fn a_key_of_another_server_may_do_nothing_here() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    let grant =
        key_file::Grant { scopes: vec!["darwin:admin".into()], ..key_file::Grant::default() };
    let (key, _) = key_file::create(&path, "darwin", "ci", grant).unwrap();
    let core = CoreConfig {
        auth: vec![AuthMode::ApiKey],
        api_keys_file: Some(path),
        ..CoreConfig::default()
    };
    let bayes = authenticator(dir.path(), &core);
    let principal = bayes.identify(&headers(&[&format!("Bearer {key}")]), None).await.unwrap();
    assert_eq!(principal.scope(), None);
}

#[tokio::test]
async fn the_eleventh_wrong_key_of_an_address_is_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let core = CoreConfig {
        auth: vec![AuthMode::ApiKey],
        api_key: Some(secret(KEY)),
        ..CoreConfig::default()
    };
    let closed = authenticator(dir.path(), &core);
    let (here, there) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
    let wrong = headers(&["Bearer wrong"]);
    for _ in 0..10 {
        assert_eq!(closed.identify(&wrong, here).await, Err(Denied::Unknown { given: true }));
    }
    assert_eq!(closed.identify(&wrong, here).await, Err(Denied::TooMany));
    assert_eq!(closed.identify(&wrong, there).await, Err(Denied::Unknown { given: true }));
    let right = headers(&[&format!("bearer {KEY}")]);
    assert!(closed.identify(&right, here).await.is_ok());
}

#[test]
fn neighbours_share_a_count() {
    let address = |text: &str| neighbourhood(text.parse().unwrap());
    assert_eq!(address("2001:db8::1"), address("2001:db8::ffff"));
    assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
}
