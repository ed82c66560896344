//! Protects a tower or axum service with Signet's tokens: by a policy that stands beside the
//! service, or route by route.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use signet_tower::{Principal, SignetLayer, Trust, read_policy};
//!
//! # const POLICY: &str = "";
//! let policy = read_policy(POLICY)?; // include_str!("policy.toml")
//! let trust = Trust::fetch(policy.issuer()).await?;
//! let app: Router = Router::new()
//!     .route("/agents", get(|who: Principal| async move { who.subject().to_owned() }))
//!     .layer(SignetLayer::new(trust, policy)?);
//! # let _ = app; Ok(()) }
//! ```
//!
//! or, without a policy:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use axum::{Router, routing::get};
//! use signet_tower::{Protect, Trust};
//!
//! let trust = Trust::fetch("https://auth.example.com").await?;
//! let app: Router = Router::new()
//!     .route("/agents", get(|| async { "scribe, scout" }))
//!     .route_layer(Protect::new(trust, ["agents-api"]).permission("agents:read"));
//! # let _ = app; Ok(()) }
//! ```
//!
//! # The path of a request
//!
//! 1. `head`: what came over the wire, for the gate to read. With the target as it came, whatever
//!    routers around have made of it.
//! 2. `guard`: the gate with the layer's policy decides. All that is decided is decided there, in
//!    [`signet_verifier::Gate`], as on every other host.
//! 3. [`layer`]: the decision is carried out. Headers go and come, the service finds a [`Principal`]
//!    in the request's extensions; or the client gets the gate's answer and the service never sees
//!    the request.
//!
//! No request waits for the issuer but one: where a rule requires a fresh revocation feed and there
//! is none, it waits for a second at most.
//!
//! # The path of keys
//!
//! A [`Trust`] is what is known of one issuer. In a task of its own `refresh` does what
//! [`signet_verifier::Refresher`] says: it has `fetch` ask the issuer, and hands what came to all
//! guards. The task ends with the last clone of the trust and the last layer that has one. What
//! [`metrics`] counts tells how it goes.
//!
//! # Adding something
//!
//! What a rule can ask belongs to [`signet_verifier::policy`], a reason to refuse to
//! [`signet_verifier::gate`]; both are here then as well. What handlers are told of a caller belongs
//! to [`Principal`].

mod clock;
mod fetch;
mod guard;
mod head;
pub mod layer;
pub mod metrics;
mod policy;
mod principal;
mod refresh;
mod trust;

pub use layer::{ForeignPolicy, Protect, SignetLayer};
pub use metrics::Metrics;
pub use policy::{PolicyFaults, read_policy};
pub use principal::{MissingPrincipal, Principal};
pub use signet_verifier;
pub use trust::{Trust, TrustBuilder, TrustError};
