//! What people do to keys: admins with a fresh login, operators on the issuer's machine. The store
//! decides from what it holds ([`super::life`]).

use super::life::{KeyChangeError, KeyTimes, Plan, Revocation, Wish};
use super::{KeyState, KeyStock};
use crate::audit::Origin;
use crate::issuer::Issuer;
use crate::ports::{StoreError, StoreResult};
use crate::session::{LiveSession, StaleLogin};
use crate::time::UnixTime;

/// Why keys stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum KeyAdminError {
    /// The rules refuse it.
    #[error(transparent)]
    Change(#[from] KeyChangeError),
    /// The password was proven too long ago.
    #[error(transparent)]
    ReauthenticationRequired(#[from] StaleLogin),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// It is here.
    Held(KeyState),
    /// It was.
    Removed,
}

impl Stage {
    /// The name that people read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held(state) => state.as_str(),
            Self::Removed => "removed",
        }
    }
}

/// A key as people see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyStanding {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Where it is in its life.
    pub stage: Stage,
    /// When it was published.
    pub published_at: UnixTime,
    /// From when on it signs, or may.
    pub signs_from: Option<UnixTime>,
    /// When it stopped.
    pub retired_at: Option<UnixTime>,
    /// When it went, or will by itself.
    pub removed_at: Option<UnixTime>,
    /// Until when its tokens are refused, if they are.
    pub refused_until: Option<UnixTime>,
}

impl Issuer {
    /// All keys there are and were: the one that will sign, the one that does, those that did, and
    /// those that are gone; the newest of each first.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn keys(&self) -> StoreResult<Vec<KeyStanding>> {
        let stock = self.store.key_stock().await?;
        Ok(standings(&stock, &self.key_times()))
    }

    /// The published key signs.
    ///
    /// # Errors
    /// See [`KeyAdminError`].
    pub async fn rotate_keys(
        &self,
        origin: &Origin,
        session: &LiveSession,
    ) -> Result<Plan, KeyAdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        Ok(self.change_keys(&context, Wish::Rotate).await??)
    }

    /// Takes a key away, and refuses what it signed.
    ///
    /// # Errors
    /// See [`KeyAdminError`].
    pub async fn revoke_key(
        &self,
        origin: &Origin,
        session: &LiveSession,
        kid: &str,
    ) -> Result<Plan, KeyAdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        let how = Revocation::Now;
        let wish = Wish::Revoke { kid, how };
        Ok(self.change_keys(&context, wish).await??)
    }

    /// Does what an operator wishes.
    ///
    /// # Errors
    /// See [`KeyAdminError`].
    pub async fn change_keys_as_operator(&self, wish: Wish<'_>) -> Result<Plan, KeyAdminError> {
        let context = self.as_operator();
        Ok(self.change_keys(&context, wish).await??)
    }
}

fn standings(stock: &KeyStock, times: &KeyTimes) -> Vec<KeyStanding> {
    let refused_until = |kid: &str| {
        let refused = stock.refused.iter().find(|refused| refused.kid == kid);
        refused.map(|refused| refused.refused_until)
    };
    let held = stock.keys.signing.iter().map(|key| KeyStanding {
        stage: Stage::Held(key.state),
        published_at: key.created_at,
        signs_from: Some(match key.state {
            KeyState::Next => times.may_sign_from(key),
            KeyState::Active | KeyState::Retired => key.signs_since(),
        }),
        retired_at: key.retired_at,
        removed_at: (key.state == KeyState::Retired).then(|| times.removed_at(key)),
        refused_until: refused_until(&key.kid),
        kid: key.kid.clone(),
    });
    let removed = stock.removed.iter().map(|key| KeyStanding {
        stage: Stage::Removed,
        published_at: key.created_at,
        signs_from: key.activated_at,
        retired_at: key.retired_at,
        removed_at: Some(key.removed_at),
        refused_until: refused_until(&key.kid),
        kid: key.kid.clone(),
    });
    let mut all: Vec<_> = held.chain(removed).collect();
    let rank = |key: &KeyStanding| match key.stage {
        Stage::Held(KeyState::Next) => 0,
        Stage::Held(KeyState::Active) => 1,
        Stage::Held(KeyState::Retired) => 2,
        Stage::Removed => 3,
    };
    all.sort_by(|one, other| {
        let newest = other.published_at.cmp(&one.published_at);
        rank(one)
            .cmp(&rank(other))
            .then(newest)
            .then(one.kid.cmp(&other.kid))
    });
    all
}
