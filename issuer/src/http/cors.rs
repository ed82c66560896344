//! Which other origins' scripts may call `/v1`: those of `cors.origins`, compared exactly, and no
//! others. They may send cookies, since only they can.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The origins of `cors.origins`.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Vec<HeaderValue>);

/// Text that is no origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an origin such as https://app.example.com, without a path")]
pub struct OriginError;

impl AllowedOrigins {
    /// Reads origins as browsers write them: scheme, host in lower case, port unless the scheme's.
    ///
    /// # Errors
    /// When one is spelled in another way, so that it would never match.
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        origins
            .into_iter()
            .map(|text| {
                let url = url::Url::parse(text).map_err(|_| OriginError)?;
                let is_web = matches!(url.scheme(), "http" | "https");
                let is_one = !text.contains('*');
                if !is_web || !is_one || url.origin().ascii_serialization() != text {
                    return Err(OriginError);
                }
                HeaderValue::from_str(text).map_err(|_| OriginError)
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    /// What answers preflights and marks answers, `None` where no other origin is allowed.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        let readable = [
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
        ];
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.iter().cloned()))
            .allow_credentials(true)
            .allow_methods(methods)
            .allow_headers([AUTHORIZATION, CONTENT_TYPE])
            .expose_headers(readable)
            .max_age(Duration::from_secs(600));
        Some(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        assert!(AllowedOrigins::parse(["https://app.example.com", "http://[::1]:3000"]).is_ok());
        for wrong in [
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://App.example.com",
            "https://*.example.com",
            "file:///",
        ] {
            assert!(AllowedOrigins::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
