//! The outbox beside the sending: what operators see of it and do to it, how much it may hold, and
//! what is put back because the mail server itself is away.

use async_trait::async_trait;
use uuid::Uuid;

use super::{Ruled, StoreResult};
use crate::audit::Context;
use crate::mail::QueuedMail;
use crate::mail::outbox::{OutboxEntry, OutboxFilter, OutboxPlace};
use crate::mailed_token::MailedTokenHash;
use crate::time::UnixTime;

/// Why a message isn't tried again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RetryRefusal {
    /// There is no such entry: it was sent, swept, or never there.
    #[error("there is no such message")]
    NotFound,
    /// The actor's own account is gone, suspended, or lacks the permission.
    #[error("the actor may not do this")]
    Forbidden,
    /// There is no use in it any more.
    #[error("the message has expired: what it is about must be asked for anew")]
    Expired,
    /// A newer message took its place, or what it is about is done.
    #[error("the link in the message is void: a newer one took its place, or it was used")]
    TokenVoid,
}

/// What is done with the outbox beside sending.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Up to `limit` entries that match, newest first, those behind `after` only.
    async fn outbox(
        &self,
        filter: &OutboxFilter,
        after: Option<OutboxPlace>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxEntry>>;

    /// One entry, sealed.
    async fn waiting_or_dead(&self, id: Uuid) -> StoreResult<Option<QueuedMail>>;

    /// Has an entry tried again, whatever became of it so far: it is due at once, with no tries
    /// behind it. The actor must hold `mail:write`. Refused where it has expired, or `token`, which
    /// is in it, isn't good any more. Records `MailRetried`.
    async fn retry_mail(
        &self,
        context: &Context,
        id: Uuid,
        token: Option<&MailedTokenHash>,
    ) -> Ruled<(), RetryRefusal>;

    /// Puts claimed entries back as they were, due at `due_at`: the mail server didn't get as far
    /// as to hear of them, so the claim counts as no try.
    async fn mail_postponed(&self, ids: &[Uuid], due_at: UnixTime, error: &str) -> StoreResult<()>;

    /// Whether at least `most` entries wait.
    async fn outbox_holds(&self, most: u32) -> StoreResult<bool>;
}
