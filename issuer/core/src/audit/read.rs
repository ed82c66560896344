//! Reading the trail: by who, what, to whom and when; as a whole, to take it away; and whether it
//! is whole.

use super::verification::{Broken, TrailHead, Verification};
use super::{Origin, Recorded};
use crate::account::AccountId;
use crate::account::admin::AdminError;
use crate::issuer::Issuer;
use crate::ports::{StoreError, StoreResult};
use crate::session::LiveSession;
use crate::time::UnixTime;

/// How many rows are read at once.
const PAGE: u32 = 500;

/// Which rows a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    /// Only what this one asked for: an account's id, or `anonymous`, `operator` or `system`.
    pub actor: Option<String>,
    /// Only what happened to this account.
    pub subject: Option<AccountId>,
    /// Only rows of this name: [`super::Action::as_str`].
    pub action: Option<String>,
    /// Only rows of this time or later.
    pub from: Option<UnixTime>,
    /// Only rows of before this time.
    pub until: Option<UnixTime>,
}

/// A page of the trail, the newest row first.
#[derive(Clone, Debug)]
pub struct TrailPage {
    /// The rows.
    pub rows: Vec<Recorded>,
    /// The end of the whole trail at that moment.
    pub head: TrailHead,
}

/// Why a trail isn't found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyTrailError {
    /// It is broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Up to `limit` rows that match, the newest first, those before the place `before` only.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn trail(
        &self,
        filter: &TrailFilter,
        before: Option<u64>,
        limit: u32,
    ) -> StoreResult<TrailPage> {
        self.store.trail(filter, before, limit).await
    }

    /// Records that somebody takes the trail away; what it is then is read with
    /// [`Issuer::trail_after`].
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn begin_trail_export(
        &self,
        origin: &Origin,
        session: &LiveSession,
    ) -> Result<TrailHead, AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        Ok(self.store.record_trail_export(&context).await?)
    }

    /// The same for an operator.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn begin_trail_export_as_operator(&self) -> StoreResult<TrailHead> {
        let context = self.as_operator();
        self.store.record_trail_export(&context).await
    }

    /// The next rows behind a place, in order, with what opens their addresses; none at the end.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn trail_after(&self, after: u64) -> StoreResult<Vec<Recorded>> {
        self.store.recorded(after, PAGE).await
    }

    /// Holds the whole trail against its hashes, and against a head that somebody noted.
    ///
    /// # Errors
    /// See [`VerifyTrailError`].
    pub async fn verify_trail(
        &self,
        noted: Option<TrailHead>,
    ) -> Result<TrailHead, VerifyTrailError> {
        match self.verify_trail_once(noted).await {
            // Somebody may have been erased between two pages: some rows were read before, the
            // others after their addresses were taken out.
            Err(VerifyTrailError::Broken(Broken::TakenOut(_))) => {
                self.verify_trail_once(noted).await
            }
            found => found,
        }
    }

    async fn verify_trail_once(
        &self,
        noted: Option<TrailHead>,
    ) -> Result<TrailHead, VerifyTrailError> {
        let mut verification = Verification::default();
        let mut awaited = noted.filter(|noted| noted.sequence > 0);
        loop {
            let rows = self.trail_after(verification.head().sequence).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                verification.take(&row)?;
                if let Some(noted) = awaited.take_if(|noted| noted.sequence == row.sequence)
                    && noted.hash != row.hash
                {
                    return Err(Broken::Head(row.sequence).into());
                }
            }
        }
        match awaited {
            Some(noted) => Err(Broken::Head(noted.sequence).into()),
            None => Ok(verification.end()?),
        }
    }
}
