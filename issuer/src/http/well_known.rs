//! What verifiers and clients find without being told: the keys, and where things are.

use std::sync::Arc;

use axum::body::Body;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::answer::{Published, PublishedDocument};
use super::problem::Problem;
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get};
use super::{feed, limit};

/// How many seconds the key set may be kept for.
pub(crate) const JWKS_KEPT: u64 = 60;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/.well-known/jwks.json", limit::PUBLIC)
            .named("jwks", "The keys that access tokens are signed with")
            .handled_by(jwks),
        get("/.well-known/oauth-authorization-server", limit::PUBLIC)
            .named("metadata", "Where things are (RFC 8414)")
            .handled_by(metadata),
    ]
}

/// The key set as the issuer holds it in memory.
#[derive(Debug)]
pub(super) struct Jwks(Arc<str>);

impl PublishedDocument for Jwks {
    const MEDIA_TYPE: &'static str = "application/jwk-set+json";
    const KEPT: u64 = JWKS_KEPT;

    fn schema(schemas: &mut SchemaGenerator) -> Schema {
        schemas.subschema_for::<KeySetDocument>()
    }

    fn into_body(self) -> Body {
        Body::from(self.0.as_bytes().to_vec())
    }
}

/// RFC 7517's key set.
#[derive(JsonSchema)]
#[schemars(rename = "KeySet")]
#[expect(dead_code, reason = "it stands for what the keyring writes")]
struct KeySetDocument {
    /// The keys that are or will soon be signing, and those that tokens in use were signed with.
    keys: Vec<KeyDocument>,
}

/// An Ed25519 key (RFC 8037).
#[derive(JsonSchema)]
#[schemars(rename = "Key")]
#[expect(dead_code, reason = "it stands for what the keyring writes")]
struct KeyDocument {
    /// `OKP`
    kty: String,
    /// `Ed25519`
    crv: String,
    /// `EdDSA`
    alg: String,
    /// `sig`
    r#use: String,
    /// The RFC 7638 thumbprint.
    kid: String,
    /// The public key.
    x: String,
}

async fn jwks(call: Call<Anyone>) -> Result<Published<Jwks>, Problem> {
    Ok(Published(Jwks(call.app.issuer.jwks())))
}

/// RFC 8414's metadata, as far as there is something to say.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Metadata {
    /// The `iss` of access tokens.
    issuer: String,
    /// Where the keys are.
    jwks_uri: String,
    /// Where the revocation feed is.
    signet_revocations_uri: String,
    /// None: there is no authorization endpoint.
    response_types_supported: [String; 0],
}

impl PublishedDocument for Metadata {
    const MEDIA_TYPE: &'static str = "application/json";
    const KEPT: u64 = 300;

    fn schema(schemas: &mut SchemaGenerator) -> Schema {
        schemas.subschema_for::<Self>()
    }

    fn into_body(self) -> Body {
        // Strings always serialise.
        Body::from(serde_json::to_vec(&self).unwrap_or_default())
    }
}

async fn metadata(call: Call<Anyone>) -> Result<Published<Metadata>, Problem> {
    let issuer = &call.app.issuer.settings().issuer;
    Ok(Published(Metadata {
        issuer: issuer.clone(),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        signet_revocations_uri: format!("{issuer}{}", feed::PATH),
        response_types_supported: [],
    }))
}
