//! Checking one token, beside raw signature checks and whole JWT libraries, on the same bytes; and
//! what the tables cost with which that is done ([`keys`]).

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_simple::prelude::{
    Ed25519PublicKey, EdDSAPublicKeyLike as _, NoCustomClaims, VerificationOptions,
};
use serde::Deserialize;
use signet_verifier::Verifier;
use signet_verifier::ed25519;
use signet_verifier::keyset::Tables;
use signet_verifier::time::UnixTime;

use crate::measure::{Subject, fastest};
use crate::report::{Report, Target};
use sample::{AUDIENCE, ISSUER, Sample, key_set};

mod keys;
pub(crate) mod sample;

#[derive(Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "read, as a service would")]
    sub: String,
}

pub(crate) fn run(report: &mut Report) {
    let now = unix_time();
    let sample = Sample::make(1, now);
    report.heading("Verification, microseconds for one token");
    let length = sample.signed().len();
    report.fact("signed bytes", &length.to_string());
    beside_peers(report, &sample, UnixTime::from_secs(now));
    keys::run(report, now);
}

fn beside_peers(report: &mut Report, sample: &Sample, now: UnixTime) {
    let [with_tables, without] =
        [Tables::Eager, Tables::Never].map(|tables| key_set([sample]).with_tables(tables));
    let verifier = Verifier::new(ISSUER, [AUDIENCE]);
    let ours = ed25519::VerifyingKey::from_bytes(sample.key.to_bytes()).unwrap();
    ours.prepare();
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
                .verify(sample.token.as_bytes(), &with_tables, now)
                .unwrap()
        }),
        Subject::new("signet, whole check without tables", || {
            verifier
                .verify(sample.token.as_bytes(), &without, now)
                .unwrap()
        }),
        Subject::new("signet, raw", || assert!(ours.verifies(signed, &raw))),
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
    let times = fastest(&mut subjects);
    let whole = times.first().copied().unwrap_or(f64::NAN);
    for (subject, time) in subjects.iter().zip(&times) {
        report.figure(subject.name, *time, "µs", Target::None);
    }
    for (subject, time) in subjects.iter().zip(&times).skip(1) {
        let name = format!("signet / {}", subject.name);
        let target = match subject.name {
            "aws-lc-rs, raw" => Target::AtMost(0.65),
            "jwt-simple, whole check" => Target::AtMost(0.4),
            "jsonwebtoken, whole check" => Target::AtMost(0.6),
            _ => Target::None,
        };
        report.figure(&name, whole / time, "", target);
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
