//! The heads of sessions' families: a hash for each, which goes by itself after its session expired.
//!
//! A key is `signet:head:{SESSION}`, with the session's id as base64url. The id stands in access
//! tokens and in the audit trail, and says nothing about anybody; the family's, which only its row
//! and its refresh tokens know, never comes here. Times are whole seconds since 1970.

use async_trait::async_trait;
use signet_core::account::AccountStatus;
use signet_core::ports::heads::{HeadStore, Judged, KEPT};
use signet_core::ports::{StoreError, StoreResult};
use signet_core::session::SessionId;
use signet_core::session::family::{FamilyHead, RefreshPolicy, Verdict};
use signet_core::time::UnixTime;

use crate::client::{RedisClient, Script};
use crate::key::Key;
use crate::open::OpenError;

/// How long a head that is kept to see whether heads can be kept stays, in seconds.
const PROBE_KEPT: u64 = 10;

/// Heads on Redis.
#[derive(Debug)]
pub struct RedisHeads {
    client: RedisClient,
    begin: Script,
    judge: Script,
    forget: Script,
}

/// What a script gets that needs its key alone.
const NO_ARGUMENTS: &[&str] = &[];

/// What the script of a judgement answers.
type Told = (String, u32, u64, u64);

impl RedisHeads {
    /// [`Self::examine`] and [`Self::new`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(client: RedisClient) -> Result<Self, OpenError> {
        Self::examine(&client).await?;
        Ok(Self::new(client))
    }

    /// Heads on a server that was examined.
    #[must_use]
    pub fn new(client: RedisClient) -> Self {
        Self {
            client,
            begin: Script::new(include_str!("heads/begin.lua")),
            judge: Script::new(include_str!("heads/judge.lua")),
            forget: Script::new(include_str!("heads/forget.lua")),
        }
    }

    /// Tries at the start whether a server does what is needed.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn examine(client: &RedisClient) -> Result<(), OpenError> {
        let heads = Self::new(client.clone());
        let probe = [probe()];
        let seconds = (0_u64, PROBE_KEPT);
        client.check(&heads.begin, &probe, seconds).await?;
        // Still live, so that it advances and every command is tried.
        let active = AccountStatus::Active.as_str();
        let asked = ("", active, 0, 0, PROBE_KEPT, PROBE_KEPT, 0);
        client.check(&heads.judge, &probe, asked).await?;
        client.check(&heads.forget, &probe, NO_ARGUMENTS).await
    }

    async fn judged(
        &self,
        session: SessionId,
        presented: Option<u32>,
        account: AccountStatus,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        let arguments = (
            presented
                .map(|generation| generation.to_string())
                .unwrap_or_default(),
            account.as_str(),
            now.as_secs(),
            policy.grace,
            policy.idle,
            policy.absolute,
            KEPT,
        );
        let told: Option<Told> = self
            .client
            .call(&self.judge, &[key(session)], arguments)
            .await?;
        told.map(read).transpose()
    }
}

#[async_trait]
impl HeadStore for RedisHeads {
    async fn begin(
        &self,
        session: SessionId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<()> {
        let lives = policy.idle.min(policy.absolute).saturating_add(KEPT);
        let arguments = (now.as_secs(), lives);
        self.client
            .call(&self.begin, &[key(session)], arguments)
            .await
    }

    async fn present(
        &self,
        session: SessionId,
        generation: u32,
        account: AccountStatus,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        self.judged(session, Some(generation), account, now, policy)
            .await
    }

    async fn advance(
        &self,
        session: SessionId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Judged>> {
        self.judged(session, None, AccountStatus::Active, now, policy)
            .await
    }

    async fn forget(&self, session: SessionId) -> StoreResult<()> {
        self.client
            .call(&self.forget, &[key(session)], NO_ARGUMENTS)
            .await
    }

    /// Keeps a head for a moment: a server that only reads, or is full, is as good as none.
    async fn ping(&self) -> StoreResult<()> {
        self.client
            .call(&self.begin, &[probe()], (0_u64, PROBE_KEPT))
            .await
    }
}

fn key(session: SessionId) -> Key {
    Key::new(format_args!("head"), session.0.as_bytes())
}

/// The key of no session: no id is empty.
fn probe() -> Key {
    Key::new(format_args!("head"), b"")
}

fn read(told: Told) -> StoreResult<Judged> {
    let (verdict, generation, advanced_at, created_at) = told;
    let verdict = match verdict.as_str() {
        "advance" => Verdict::Advance { next: generation },
        "repeat" => Verdict::Repeat,
        "replay" => Verdict::Replay,
        "from_future" => Verdict::FromFuture,
        "over" => Verdict::Over,
        "dead" => Verdict::Dead,
        other => return Err(StoreError::Corrupt(format!("a head is judged {other:?}"))),
    };
    Ok(Judged {
        verdict,
        head: FamilyHead {
            generation,
            advanced_at: UnixTime::from_secs(advanced_at),
            created_at: UnixTime::from_secs(created_at),
        },
    })
}
