use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::auth::jwks::Document;

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// An issuer with one key of each kind that ring can make.
struct Issuer {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    random: SystemRandom,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ec = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        Self {
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(scheme, ec.as_ref(), &random).unwrap(),
            random,
        }
    }

    fn document(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "use": "sig",
             "x": text(self.ed.public_key().as_ref())},
            {"kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256",
             "x": text(&point[1..33]), "y": text(&point[33..])},
            {"kty": "oct", "kid": "oct", "k": text(b"0123456789abcdef0123456789abcdef")},
            {"kty": "of a kind to come", "kid": "new"},
        ]})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let body = format!(
            "{}.{}",
            text(header.to_string().as_bytes()),
            text(claims.to_string().as_bytes())
        );
        let tag = match header["alg"].as_str() {
            Some("ES256") => self.ec.sign(&self.random, body.as_bytes()).unwrap().as_ref().to_vec(),
            _ => self.ed.sign(body.as_bytes()).as_ref().to_vec(),
        };
        format!("{body}.{}", text(&tag))
    }
}

fn claims() -> Value {
    let now = get_current_timestamp();
    json!({"iss": ISSUER, "sub": "ada", "aud": AUDIENCE, "exp": now + 600,
           "scope": "openid bayes:write"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// A clock that a test can put forward, in seconds.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Ahead {
    fn clock(&self) -> Box<dyn Fn() -> Instant + Send + Sync> {
        let (start, ahead) = (Instant::now(), Arc::clone(&self.0));
        Box::new(move || start + Duration::from_secs(ahead.load(Ordering::SeqCst)))
    }

    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn tokens(issuer: &Issuer) -> (Tokens, Arc<AtomicUsize>) {
    tokens_at(issuer, &Ahead::default())
}

fn tokens_at(issuer: &Issuer, ahead: &Ahead) -> (Tokens, Arc<AtomicUsize>) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let (bytes, count) = (issuer.document().to_string().into_bytes(), Arc::clone(&fetched));
    let fetch = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let document = Document { bytes: bytes.clone(), max_age: None };
        Box::pin(async move { Ok(document) }) as _
    };
    let keys = Keys::Public(Box::new(Jwks::with_clock(Box::new(fetch), ahead.clock())));
    (Tokens::new("bayes", ISSUER.to_owned(), AUDIENCE.to_owned(), keys), fetched)
}

#[tokio::test]
async fn tokens_of_both_curves_are_accepted() {
    let issuer = Issuer::new();
    let (tokens, fetched) = tokens(&issuer);
    for (alg, kid) in [("EdDSA", "ed"), ("ES256", "ec")] {
        let token = issuer.sign(&json!({"alg": alg, "kid": kid}), &claims());
        for _ in 0..2 {
            let principal = tokens.verify(&token).await.unwrap();
            assert_eq!((principal.id(), principal.scope()), ("jwt:ada", Some(Scope::Write)));
        }
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn wrong_claims_are_rejected() {
    let issuer = Issuer::new();
    let (tokens, _) = tokens(&issuer);
    let now = get_current_timestamp();
    let header = json!({"alg": "EdDSA", "kid": "ed"});
    for claims in [
        with("exp", json!(now - 61)),
        with("exp", json!("soon")),
        with("exp", Value::Null),
        with("nbf", json!(now + 3_600)),
        with("iss", json!("https://evil.example.com")),
        with("iss", json!([ISSUER])),
        with("iss", Value::Null),
        with("aud", json!("https://other.example.com/mcp")),
        with("aud", json!(["https://other.example.com/mcp"])),
        with("aud", json!([])),
        with("aud", Value::Null),
        with("aud", json!(format!("{AUDIENCE}/"))),
        with("sub", Value::Null),
        with("sub", json!("")),
        with("sub", json!("a\nb")),
    ] {
        let token = issuer.sign(&header, &claims);
        assert_eq!(tokens.verify(&token).await, Err(Rejected::Invalid), "{claims}");
    }
    let several = with("aud", json!(["https://other.example.com", AUDIENCE]));
    assert!(tokens.verify(&issuer.sign(&header, &several)).await.is_ok());
    let late = with("exp", json!(now - 30));
    assert!(tokens.verify(&issuer.sign(&header, &late)).await.is_ok());
}

#[tokio::test]
async fn other_algorithms_and_keys_are_rejected() {
    let issuer = Issuer::new();
    let (tokens, _) = tokens(&issuer);
    for header in [
        json!({"alg": "none", "kid": "ed"}),
        json!({"alg": "HS256", "kid": "oct"}),
        json!({"alg": "RS256", "kid": "ed"}),
        json!({"alg": "EdDSA", "kid": "ec"}),
        json!({"alg": "ES256", "kid": "ed"}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": "unknown"}),
        json!({"alg": "EdDSA", "kid": "ed", "crit": ["exp"]}),
        json!({"alg": "EdDSA", "kid": "unknown", "jku": "https://evil.example.com/jwks"}),
    ] {
        let token = issuer.sign(&header, &claims());
        assert_eq!(tokens.verify(&token).await, Err(Rejected::Invalid), "{header}");
    }
    // The public key as an HMAC secret: the classic confusion.
    let public = EncodingKey::from_secret(issuer.ed.public_key().as_ref());
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("ed".to_owned());
    let token = encode(&header, &claims(), &public).unwrap();
    assert_eq!(tokens.verify(&token).await, Err(Rejected::Invalid));
    for token in ["", "a", "a.b.c", "a.b.c.d", &"x".repeat(20_000)] {
        assert_eq!(tokens.verify(token).await, Err(Rejected::Invalid));
    }
}

#[tokio::test]
async fn a_changed_token_is_rejected() {
    let issuer = Issuer::new();
    let (tokens, _) = tokens(&issuer);
    let token = issuer.sign(&json!({"alg": "EdDSA", "kid": "ed"}), &claims());
    for (at, byte) in token.bytes().enumerate().filter(|(_, byte)| *byte != b'.') {
        // Not its last character: that one has bits that mean nothing.
        if at + 1 == token.len() {
            continue;
        }
        let mut changed = token.clone().into_bytes();
        changed[at] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(tokens.verify(&changed).await, Err(Rejected::Invalid), "at {at}");
    }
}

#[tokio::test]
async fn made_up_key_ids_cause_one_fetch_a_minute() {
    let issuer = Issuer::new();
    let ahead = Ahead::default();
    let (tokens, fetched) = tokens_at(&issuer, &ahead);
    for number in 0..1_000 {
        let header = json!({"alg": "EdDSA", "kid": format!("made-up-{number}")});
        assert_eq!(tokens.verify(&issuer.sign(&header, &claims())).await, Err(Rejected::Invalid));
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    ahead.pass(61);
    let header = json!({"alg": "EdDSA", "kid": "made-up"});
    assert_eq!(tokens.verify(&issuer.sign(&header, &claims())).await, Err(Rejected::Invalid));
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn without_the_issuer_known_keys_serve_an_hour_more() {
    let issuer = Issuer::new();
    let bytes = issuer.document().to_string().into_bytes();
    let calls = AtomicUsize::new(0);
    let fetch = move || {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        let document = Document { bytes: bytes.clone(), max_age: None };
        Box::pin(async move { if first { Ok(document) } else { Err("down".to_owned()) } }) as _
    };
    let ahead = Ahead::default();
    let jwks = Jwks::with_clock(Box::new(fetch), ahead.clock());
    assert!(jwks.find("ed", Algorithm::EdDSA).await.unwrap().is_some());
    ahead.pass(5 * 60 + 3_500);
    assert!(jwks.find("ed", Algorithm::EdDSA).await.unwrap().is_some());
    ahead.pass(200);
    assert!(jwks.find("ed", Algorithm::EdDSA).await.is_err());
}

#[tokio::test]
async fn a_minted_token_is_accepted_where_it_is_meant_for() {
    let secret = SecretString::from("0123456789abcdef0123456789abcdef".to_owned());
    let mint = |audience, scope| {
        Mint::new(None, audience, "ada", scope, Duration::from_secs(60)).sign(&secret).unwrap()
    };
    let tokens =
        Tokens::new("bayes", OWN_ISSUER.to_owned(), AUDIENCE.to_owned(), Keys::secret(&secret));
    let principal = tokens.verify(mint(AUDIENCE, "bayes:read").expose()).await.unwrap();
    assert_eq!((principal.id(), principal.scope()), ("jwt:ada", Some(Scope::Read)));
    let foreign = tokens.verify(mint(AUDIENCE, "darwin:admin").expose()).await.unwrap();
    assert_eq!(foreign.scope(), None);
    assert!(tokens.verify(mint("https://other.example.com", "bayes:read").expose()).await.is_err());
    let other = SecretString::from("another secret that is long enough".to_owned());
    let forged = Mint::new(None, AUDIENCE, "ada", "bayes:read", Duration::from_secs(60));
    assert!(tokens.verify(forged.sign(&other).unwrap().expose()).await.is_err());
}

/// A 2048-bit key and two tokens that end in 2100, made once by OpenSSL: ring makes no RSA keys.
#[tokio::test]
async fn rsa_tokens_are_accepted_by_their_own_algorithm_only() {
    let vectors: Value = serde_json::from_str(include_str!("rsa_vectors.json")).unwrap();
    let bytes = json!({"keys": vectors["keys"]}).to_string().into_bytes();
    let fetch = move || {
        let document = Document { bytes: bytes.clone(), max_age: None };
        Box::pin(async move { Ok(document) }) as _
    };
    let keys = Keys::Public(Box::new(Jwks::new(Box::new(fetch))));
    let tokens = Tokens::new("bayes", ISSUER.to_owned(), AUDIENCE.to_owned(), keys);
    let token = |name: &str| vectors["tokens"][name].as_str().unwrap().to_owned();
    for name in ["RS256", "PS256"] {
        assert_eq!(tokens.verify(&token(name)).await.unwrap().id(), "jwt:ada");
    }
    // The signature of one under the header of the other.
    let (rs, ps) = (token("RS256"), token("PS256"));
    let mixed = format!("{}.{}", rs.rsplit_once('.').unwrap().0, ps.rsplit_once('.').unwrap().1);
    assert_eq!(tokens.verify(&mixed).await, Err(Rejected::Invalid));
}
