//! The revocation feed, for every verifier and every cache between: signed, so that nobody has to be
//! trusted to carry it.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use schemars::{Schema, SchemaGenerator, json_schema};
use signet_core::feed::FeedText;
use signet_core::ports::feed::FeedPosition;
use signet_verifier::json::Value;

use super::answer::{Answer, Content, cache_control, respond};
use super::input::fields::members;
use super::input::member::{Faults, Member};
use super::input::{Description, Input, Query, Unread};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get};

/// Where it is.
pub(super) const PATH: &str = "/.well-known/signet-revocations";

const MEDIA_TYPE: &str = "application/signet-rev+jwt";
/// For so many seconds a cache may keep it, and in each of them nothing is revoked.
pub(crate) const FEED_KEPT: u64 = 2;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PUBLIC)
            .named(
                "revocations",
                "The tokens that are taken back before they end",
            )
            .refuses(&[Code::Unavailable])
            .handled_by(revocations),
    ]
}

async fn revocations(call: Call<Anyone, Asked>) -> Result<Served, Problem> {
    let Asked { since, known } = call.input;
    let feed = call
        .app
        .issuer
        .feed(since.map(|Since(since)| since))
        .await?;
    // What is served is fresh, and so is what its tag stands for.
    let is_known = known.contains(&feed.tag);
    Ok(Served { feed, is_known })
}

members! {
    /// What the caller has.
    struct FeedQuery {
        /// The `epoch` and `seq` of the feed that the caller has, with a full stop between. What came
        /// after is enough then, and is what is answered where it is shorter.
        since: Option<Since>,
    }
}

/// The number of a feed.
struct Since(FeedPosition);

impl Member for Since {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$" })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        value
            .as_str()
            .and_then(|text| text.split_once('.'))
            .and_then(|(epoch, seq)| {
                Some(FeedPosition {
                    epoch: number(epoch)?,
                    seq: number(seq)?,
                })
            })
            .map(Self)
            .or_else(|| faults.add(field, "invalid_position", "must be an epoch and a seq"))
    }
}

/// A number in its one spelling.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = is_plain && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// What came in.
struct Asked {
    since: Option<Since>,
    /// The entity tags of what the caller has.
    known: Vec<String>,
}

impl Input for Asked {
    const READS_QUERY: bool = true;

    fn describe(schemas: &mut SchemaGenerator) -> Description {
        Query::<FeedQuery>::describe(schemas)
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let Query(query) = Query::<FeedQuery>::read(request).await?;
        Ok(Self {
            since: query.since,
            known: tags(&request.parts.headers),
        })
    }
}

/// The tags of `If-None-Match`. Ours have no comma; a `*` is nobody's, and is sent the feed.
fn tags(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    let lists = lists.filter_map(|list| list.to_str().ok());
    let tags = lists.flat_map(|list| list.split(','));
    tags.map(|tag| tag.trim().to_owned()).collect()
}

/// 200 with the feed, or 304 where the caller has it.
struct Served {
    feed: FeedText,
    is_known: bool,
}

impl Answer for Served {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The feed: a JWS of the type `signet-rev+jwt`";
    const HEADERS: &[(&'static str, &'static str)] =
        &[("etag", "Names the epoch, the seq, and when it was signed")];
    const WITHOUT_BODY: Option<(StatusCode, &'static str)> = Some((
        StatusCode::NOT_MODIFIED,
        "The caller has it. How long it is fresh, it says itself",
    ));

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        Some(Content {
            media_type: MEDIA_TYPE,
            schema: None,
        })
    }

    fn into_response(self) -> Result<Response, Problem> {
        let Self { feed, is_known } = self;
        let tag = HeaderValue::try_from(feed.tag)
            .map_err(|error| Problem::from(Code::InternalError).caused_by(error))?;
        let kept = cache_control(format!("public, max-age={FEED_KEPT}"))?;
        let mut response = match is_known {
            true => respond(StatusCode::NOT_MODIFIED, Body::empty()),
            false => respond(Self::STATUS, Body::from(feed.text.as_bytes().to_vec())),
        };
        let headers = response.headers_mut();
        if !is_known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        }
        headers.insert(ETAG, tag);
        headers.insert(CACHE_CONTROL, kept);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let exposed = HeaderValue::from_static("etag");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(text: &str) -> Option<(u64, u64)> {
        let value = Value::String(text.into());
        let read = Since::read(value, "since", &mut Faults::default());
        read.map(|Since(FeedPosition { epoch, seq })| (epoch, seq))
    }

    #[test]
    fn a_position_has_one_spelling() {
        assert_eq!(since("1.0"), Some((1, 0)));
        let largest = u64::MAX;
        let text = format!("{largest}.{largest}");
        assert_eq!(since(&text), Some((largest, largest)));
        for wrong in [
            "",
            ".",
            "1",
            "1.",
            ".1",
            "01.1",
            "1.01",
            "+1.1",
            "1.1.1",
            "1,1",
            " 1.1",
            "1.1 ",
            "-1.1",
            "1.x",
            "\u{0661}.1",
            "18446744073709551616.1",
        ] {
            assert_eq!(since(wrong), None, "{wrong:?}");
        }
    }
}
