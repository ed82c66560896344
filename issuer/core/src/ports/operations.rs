//! What an operator is shown of a store, and what the trail is told of the service itself.

use async_trait::async_trait;

use super::StoreResult;
use crate::audit::{Action, Context};
use crate::time::UnixTime;

/// How many messages are in the outbox, and since when.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OutboxCounts {
    /// How many messages are due and nobody's.
    pub due: u64,
    /// How many are being sent, or wait for another try.
    pub waiting: u64,
    /// How many are dead letters.
    pub dead: u64,
    /// When the oldest that isn't a dead letter was put in.
    pub oldest: Option<UnixTime>,
}

/// A part of the service that can fail while the rest goes on in a stricter form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The Redis that limits, and perhaps heads of sessions, are on.
    Redis,
}

impl Part {
    /// The name in the trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
        }
    }
}

/// How a part is from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Health {
    /// It does what it should.
    Whole,
    /// It doesn't, and is made up for.
    Degraded,
}

impl Health {
    /// What the trail calls the change to it.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Whole => Action::ServiceRestored,
            Self::Degraded => Action::ServiceDegraded,
        }
    }
}

/// What whoever runs the issuer asks of it.
#[async_trait]
pub trait OperationsStore: Send + Sync {
    /// How many messages are in the outbox at `now`.
    async fn outbox_counts(&self, now: UnixTime) -> StoreResult<OutboxCounts>;

    /// Keeps in the trail that a part of one process fails, or does its work again. Records
    /// `ServiceDegraded` or `ServiceRestored`.
    async fn note_health(&self, context: &Context, part: Part, health: Health) -> StoreResult<()>;
}
