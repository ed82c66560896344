//! What a handler is called with.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use signet_core::audit::Origin;

use super::access::Access;
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::input::Input;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;

/// The longest `User-Agent` that is kept, in bytes.
const LONGEST_USER_AGENT: usize = 256;

/// One call of an operation: `A` is who calls, `I` what came with it.
pub struct Call<A, I = ()> {
    /// The application.
    pub app: Arc<App>,
    /// Who calls.
    pub caller: A,
    /// What came with it.
    pub input: I,
    pub(super) client: Client,
}

/// Where a call comes from.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: RequestId,
    pub(super) address: IpAddr,
    pub(super) user_agent: Option<HeaderValue>,
}

impl<A, I> Call<A, I> {
    /// Where it comes from, for the audit trail and the list of sessions.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let Client {
            id,
            address,
            user_agent,
        } = &self.client;
        Origin {
            ip: Some(*address),
            user_agent: user_agent.as_ref().map(printable),
            request_id: Some(id.text().to_owned()),
        }
    }
}

/// The beginning of a header, without what could disturb a terminal or a page.
fn printable(value: &HeaderValue) -> String {
    let bytes = value.as_bytes().iter().take(LONGEST_USER_AGENT);
    bytes
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        })
        .collect()
}

/// An `async fn` that answers calls.
pub trait Handler<A: Access, I: Input, R: Answer>: Send + Sync + 'static {
    /// Answers one.
    fn call(&self, call: Call<A, I>) -> impl Future<Output = Result<R, Problem>> + Send + 'static;
}

impl<A, I, R, F, Fut> Handler<A, I, R> for F
where
    A: Access,
    I: Input,
    R: Answer,
    F: Fn(Call<A, I>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Problem>> + Send + 'static,
{
    fn call(&self, call: Call<A, I>) -> impl Future<Output = Result<R, Problem>> + Send + 'static {
        self(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_kept_short_and_printable() {
        let value = HeaderValue::from_bytes(b"curl/8\t\xff \x80<b>").unwrap();
        assert_eq!(printable(&value), "curl/8?? ?<b>");
        let long = HeaderValue::from_str(&"x".repeat(1_000)).unwrap();
        assert_eq!(printable(&long).len(), 256);
    }
}
