//! Protects a tower or axum service with Signet's tokens, by role and permission.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use signet_tower::{Principal, Protect, Trust};
//!
//! let trust = Trust::fetch("https://auth.example.com", ["agents-api"]).await?;
//! let app: Router = Router::new()
//!     .route("/agents", get(|who: Principal| async move { who.subject().to_owned() }))
//!     .layer(Protect::new(trust).permission("agents:read"));
//! # let _ = app; Ok(()) }
//! ```
//!
//! # The path of a request
//!
//! [`Protect`] takes the bearer token of the request, [`Trust`] checks it against the issuer's key
//! set, the layer asks for its role and permission, and the service finds a [`Principal`] in the
//! request's extensions. A request that isn't let through is answered here, with a problem
//! document (RFC 9457) and a challenge (RFC 6750); the service never sees it.
//!
//! The issuer is asked for its keys at the start and from time to time; it is never asked about a
//! request. While it is away, the last keys stay good for a day.
//!
//! # Adding a requirement
//!
//! Add a builder method to [`Protect`] and a check to its `admit`, beside those of role and
//! permission.

mod layer;
mod principal;
mod refusal;
mod trust;

pub use layer::{Protect, Protected};
pub use principal::{MissingPrincipal, Principal};
pub use trust::{Trust, TrustError};
