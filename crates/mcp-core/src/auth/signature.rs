//! The cryptography of signed tokens on ring, the one provider of this tree.
//!
//! `jsonwebtoken` parses and checks claims; what signs and verifies is put below it here, because
//! each of its own providers would bring a second cryptographic library.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{Error as Mismatch, Signer, Verifier},
};
use ring::{hmac, signature};

/// What a token by public key may be signed with (RFC 7518 section 3.1, RFC 8037).
pub(super) const PUBLIC_KEY_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Make ring the provider of this process.
pub(super) fn install() {
    // A second installation is refused and harmless: the first is this one.
    PROVIDER.install_default().unwrap_or_default();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the library's")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())))),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is the library's")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let by_public_key = |scheme: &'static dyn signature::VerificationAlgorithm| {
        let key = key.try_get_as_bytes()?.to_vec();
        let verifier = PublicKey { algorithm: *algorithm, scheme, key };
        Ok(Box::new(verifier) as Box<dyn JwtVerifier>)
    };
    match algorithm {
        Algorithm::HS256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?);
            Ok(Box::new(Hmac(key)))
        }
        Algorithm::RS256 => rsa(*algorithm, &signature::RSA_PKCS1_2048_8192_SHA256, key),
        Algorithm::PS256 => rsa(*algorithm, &signature::RSA_PSS_2048_8192_SHA256, key),
        Algorithm::ES256 => by_public_key(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::EdDSA => by_public_key(&signature::ED25519),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

struct Hmac(hmac::Key);

impl Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Mismatch> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hmac {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        hmac::verify(&self.0, message, tag).map_err(|_| Mismatch::new())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// Elliptic curves.
struct PublicKey {
    algorithm: Algorithm,
    scheme: &'static dyn signature::VerificationAlgorithm,
    key: Vec<u8>,
}

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        let key = signature::UnparsedPublicKey::new(self.scheme, &self.key);
        key.verify(message, tag).map_err(|_| Mismatch::new())
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn rsa(
    algorithm: Algorithm,
    scheme: &'static signature::RsaParameters,
    key: &DecodingKey,
) -> Result<Box<dyn JwtVerifier>> {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            Ok(Box::new(Rsa { algorithm, scheme, n: n.clone(), e: e.clone() }))
        }
        DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
    }
}

struct Rsa {
    algorithm: Algorithm,
    scheme: &'static signature::RsaParameters,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Verifier<Vec<u8>> for Rsa {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        let key = signature::RsaPublicKeyComponents { n: &self.n, e: &self.e };
        key.verify(self.scheme, message, tag).map_err(|_| Mismatch::new())
    }
}

impl JwtVerifier for Rsa {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac")
    }
}
