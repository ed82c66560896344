//! Checking one token, beside raw signature checks and whole JWT libraries, on the same bytes.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jwt_simple::prelude::{
    Ed25519PublicKey, EdDSAPublicKeyLike as _, NoCustomClaims, VerificationOptions,
};
use serde::Deserialize;
use serde_json::json;
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Verifier};

use crate::measure::{Subject, medians};
use crate::report::{Report, Target};

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "agents-api";

/// A token of the issuer's shape, and its key.
struct Sample {
    token: String,
    jwks: String,
    key: VerifyingKey,
    signature: Signature,
}

impl Sample {
    /// A token of the time `now`, as some of the peers read the machine's clock themselves.
    fn make(now: u64) -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key();
        let kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        let x = Base64UrlUnpadded::encode_string(public.as_bytes());
        let jwks = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x,
        }] });
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid });
        let claims = json!({
            "iat": now - 60, "exp": now + 3_000, "iss": ISSUER, "aud": AUDIENCE,
            "sub": "0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d",
            "jti": "5a1c9d1e-8a7b-4c3d-9e2f-1b0a9c8d7e6f",
            "sid": "c2a9e0f4-1d3b-4a5c-8e7f-6b5a4d3c2b1a",
            "client_id": "signet", "auth_time": now - 600, "ver": 3,
            "roles": ["user", "support"], "permissions": ["agents:read", "agents:run"],
        });
        let encode = |part: &serde_json::Value| {
            Base64UrlUnpadded::encode_string(part.to_string().as_bytes())
        };
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = key.sign(signed.as_bytes());
        let encoded = Base64UrlUnpadded::encode_string(&signature.to_bytes());
        Self {
            token: format!("{signed}.{encoded}"),
            jwks: jwks.to_string(),
            key: public,
            signature,
        }
    }

    fn signed(&self) -> &[u8] {
        let end = self.token.rfind('.').unwrap();
        self.token.as_bytes().get(..end).unwrap()
    }
}

#[derive(Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "read, as a service would")]
    sub: String,
}

pub(crate) fn run(report: &mut Report) {
    let now = unix_time();
    let sample = Sample::make(now);
    report.heading("Verification, microseconds for one token");
    let length = sample.signed().len();
    report.fact("signed bytes", &length.to_string());

    let key_set = KeySet::from_jwks(sample.jwks.as_bytes()).unwrap().key_set;
    let verifier = Verifier::new(ISSUER, [AUDIENCE]);
    let now = UnixTime::from_secs(now);
    let (signed, raw) = (sample.signed(), sample.signature.to_bytes());
    let aws = UnparsedPublicKey::new(&ED25519, sample.key.as_bytes());
    let jwt_simple = Ed25519PublicKey::from_bytes(sample.key.as_bytes()).unwrap();
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([AUDIENCE.to_owned()])),
        ..VerificationOptions::default()
    };
    let decoding = jsonwebtoken::DecodingKey::from_ed_components(
        &Base64UrlUnpadded::encode_string(sample.key.as_bytes()),
    )
    .unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);

    let mut subjects = [
        Subject::new("signet, whole check", || {
            verifier
                .verify(sample.token.as_bytes(), &key_set, now)
                .unwrap()
        }),
        Subject::new("ed25519-dalek verify_strict, raw", || {
            sample.key.verify_strict(signed, &sample.signature).unwrap();
        }),
        Subject::new("aws-lc-rs, raw", || aws.verify(signed, &raw).unwrap()),
        Subject::new("jwt-simple, whole check", || {
            jwt_simple
                .verify_token::<NoCustomClaims>(&sample.token, Some(options.clone()))
                .unwrap()
        }),
        Subject::new("jsonwebtoken, whole check", || {
            jsonwebtoken::decode::<Claims>(&sample.token, &decoding, &validation).unwrap()
        }),
    ];
    let times = medians(&mut subjects);
    let ours = times.first().copied().unwrap_or(f64::NAN);
    for (subject, time) in subjects.iter().zip(&times) {
        report.figure(subject.name, *time, "µs", Target::None);
    }
    for (subject, time) in subjects.iter().zip(&times).skip(1) {
        let name = format!("signet / {}", subject.name);
        report.figure(&name, ours / time, "", Target::None);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the peers' clock is the machine's, and ours has to be the same"
)]
fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
