//! Locks that aren't rows: held to the end of the transaction and of nobody's session, so that a
//! pooler may stand between.
//!
//! Whoever takes several takes them in the order of the variants, then rows: of accounts, sessions,
//! mailed tokens, guesses; the row of `feed` behind the trail, as triggers take it at the commit. A
//! deadlock is nevertheless no disaster: PostgreSQL ends one of the two, which is tried again.

use signet_core::limit::GuessKey;
use sqlx::Error;

use super::Transaction;

/// What is done by one transaction at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock<'a> {
    /// Changing the schema.
    Schema,
    /// Making the first keys, or all keys anew.
    Keys,
    /// Keeping the revocation feed small.
    Feed,
    /// What admins do to accounts and roles: what one may do, and whether another admin is left,
    /// depends on all of them.
    Administration,
    /// Registering, proving and taking an address.
    Address(&'a str),
    /// Judging and counting guesses.
    Guesses(&'a GuessKey),
    /// Adding to the audit trail. It is the last one, taken at the commit.
    Trail,
}

impl Lock<'_> {
    fn name(self) -> String {
        match self {
            Self::Schema => "signet schema".to_owned(),
            Self::Keys => "signet keys".to_owned(),
            Self::Feed => "signet feed".to_owned(),
            Self::Administration => "signet administration".to_owned(),
            Self::Address(canonical) => format!("signet address {canonical}"),
            Self::Guesses(key) => format!("signet guesses {:?}", key.as_bytes()),
            Self::Trail => "signet trail".to_owned(),
        }
    }

    /// Waits until nobody else holds it. Names that hash alike wait for each other, and that is
    /// all they do.
    pub(crate) async fn take(self, tx: &mut Transaction) -> Result<(), Error> {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            self.name()
        )
        .fetch_one(tx)
        .await?;
        Ok(())
    }
}
