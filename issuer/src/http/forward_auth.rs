//! Forward-auth: a proxy asks about each request it has got, and the gate decides, by the policy of
//! `forward_auth.policy` and with what the issuer knows of its own tokens.
//!
//! # The path of a question
//!
//! 1. Whoever connects must be one of `forward_auth.proxies`. Only the connection says who that is;
//!    a header could be anyone's.
//! 2. [`forwarded`] reads the request's head out of the question's.
//! 3. The gate decides ([`SignetLayer::decide`]), as on every other host.
//! 4. 200 with the identity headers, all of them each time, or the refusal under a status that
//!    proxies hand on ([`Code::status_for_proxies`]) with its code in `x-signet-code`.
//!
//! What the gate would take away of a request, the proxy takes away: the configurations in
//! `deploy/` name each header. A name that they can't know is refused here ([`can_be_removed`]);
//! `docs/adr/0013` says why.

mod forwarded;

use std::net::IpAddr;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ipnet::IpNet;
use schemars::SchemaGenerator;
use signet_tower::{ForeignPolicy, SignetLayer, Trust};
use signet_verifier::Decision;
use signet_verifier::policy::Policy;

use self::forwarded::Forwarded;
use super::answer::{Answer, Content, respond};
use super::input::{Description, Input, Unread};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get, peer, post};

/// Where proxies ask.
pub(super) const PATH: &str = "/v1/auth/verify";

pub(super) fn routes() -> Vec<Route> {
    const REFUSALS: &[Code] = &[
        Code::NotFound,
        Code::UnknownProxy,
        Code::MissingToken,
        Code::InvalidToken,
        Code::ReauthenticationRequired,
        Code::InsufficientScope,
        Code::NoRule,
        Code::KeysUnavailable,
        Code::RevocationUnavailable,
    ];
    vec![
        get(PATH, limit::PUBLIC)
            .named("verify", "Decide about a request that a proxy has got")
            .for_proxies()
            .refuses(REFUSALS)
            .handled_by(verify),
        post(PATH, limit::PUBLIC)
            .named("verifyByPost", "The same, for proxies that ask with POST")
            .for_proxies()
            .refuses(REFUSALS)
            .handled_by(verify),
    ]
}

async fn verify(call: Call<Anyone, Question>) -> Result<Allowed, Problem> {
    let forward_auth = call.app.forward_auth.as_ref().ok_or(Code::NotFound)?;
    call.app.learn_what_is_revoked().await;
    let decision = forward_auth.decide(&call.input)?;
    match decision.refusal() {
        None => Ok(Allowed(decision)),
        Some(refusal) => {
            if let Some(reason) = decision.reason() {
                tracing::debug!(code = reason.code(), "a forwarded access token refused");
            }
            Err(Problem::of_gate(refusal))
        }
    }
}

/// What is decided, and for whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules. Its issuer is this one.
    pub policy: Policy,
    /// Where the proxies are that may ask.
    pub proxies: Vec<IpNet>,
}

impl Settings {
    /// Ready to decide, with what is known of this issuer.
    pub(super) fn ready(self, trust: Trust) -> Result<ForwardAuth, ForeignPolicy> {
        Ok(ForwardAuth {
            layer: SignetLayer::new(trust, self.policy)?,
            proxies: self.proxies,
        })
    }
}

/// What decides for proxies.
#[derive(Debug)]
pub(super) struct ForwardAuth {
    layer: SignetLayer,
    proxies: Vec<IpNet>,
}

impl ForwardAuth {
    fn decide(&self, question: &Question) -> Result<Decision, Problem> {
        if !self.is_proxy(question.peer) {
            return Err(Code::UnknownProxy.into());
        }
        let forwarded = Forwarded::read(&question.headers)?;
        let decision = self.layer.decide(&forwarded.head());
        if decision.removed().all(can_be_removed) {
            Ok(decision)
        } else {
            let detail = "A header has a name that only a gate may set.";
            Err(Problem::from(Code::InvalidRequest).because(detail))
        }
    }

    fn is_proxy(&self, peer: IpAddr) -> bool {
        let mut proxies = self.proxies.iter();
        proxies.any(|network| network.contains(&peer))
    }
}

/// What came in: from whom, and its headers.
struct Question {
    peer: IpAddr,
    headers: HeaderMap,
}

impl Input for Question {
    /// Not that it does: but Caddy leaves the query of the request it asks about behind the path.
    const READS_QUERY: bool = true;

    fn describe(_: &mut SchemaGenerator) -> Description {
        Description::default()
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let peer = peer(&request.parts.extensions).ok_or(Code::InternalError)?;
        Ok(Self {
            peer: peer.ip().to_canonical(),
            headers: std::mem::take(&mut request.parts.headers),
        })
    }
}

/// What is told of whoever sent an allowed request, in headers that upstream gets.
const IDENTITY: [(&str, &str); 7] = [
    ("x-signet-sub", "The account; empty without a token"),
    ("x-signet-sid", "The session"),
    ("x-signet-client", "Whom the token was issued to"),
    ("x-signet-roles", "Roles, with commas between"),
    (
        "x-signet-permissions",
        "Permissions of the token, with commas between",
    ),
    ("x-signet-exp", "When the token ends, in Unix seconds"),
    ("x-signet-rule", "The rule that let the request through"),
];

/// The names besides [`IDENTITY`] that the configurations in `deploy/` take away; `authorization`
/// where the policy says so.
const REMOVED: [&str; 6] = [
    "authorization",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Whether a proxy takes this header away that may not go upstream. It can't list every name that
/// begins with `x-signet-`, nor every mixture of `-` and `_` that some servers read as one of these
/// (CVE-2025-64484).
fn can_be_removed(name: &[u8]) -> bool {
    let identity = IDENTITY.iter().map(|(name, _)| *name);
    let mut names = identity.chain(REMOVED);
    names.any(|known| known.as_bytes() == name)
}

/// 200: the request may go on. Each identity header is there, an empty one where there is nothing
/// to say, so that a proxy that copies them overwrites whatever the client sent.
struct Allowed(Decision);

impl Answer for Allowed {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The request may go on, with these headers";
    const HEADERS: &[(&'static str, &'static str)] = &IDENTITY;

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        None
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = respond(Self::STATUS, Body::empty());
        let headers = response.headers_mut();
        for (name, _) in IDENTITY {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(""));
        }
        for (name, value) in self.0.set() {
            let value = HeaderValue::from_str(value)
                .map_err(|error| Problem::from(Code::InternalError).caused_by(error))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(response)
    }
}
