//! Mailed tokens: kept as a hash, used by deleting the row.

use signet_core::account::{Account, AccountId};
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::ports::StoreResult;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::accounts::find;
use crate::db::db;
use crate::rows::{seconds, uuid};

/// Whose a token is.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    Registration(Uuid),
    Account(AccountId),
    Nobody,
}

impl Owner {
    /// The registration and the account, of which there is one at most.
    fn columns(self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        match self {
            Self::Registration(id) => (Some(id.as_bytes().to_vec()), None),
            Self::Account(id) => (None, Some(id.0.as_bytes().to_vec())),
            Self::Nobody => (None, None),
        }
    }
}

/// Keeps a token, voiding the earlier ones of the same owner and purpose.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    owner: Owner,
    token: &NewMailedToken,
) -> StoreResult<()> {
    let (registration, account) = owner.columns();
    let purpose = token.purpose.as_str();
    sqlx::query!(
        "DELETE FROM mailed_tokens
         WHERE purpose = ? AND registration_id IS ? AND account_id IS ?",
        purpose,
        registration,
        account
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    keep_beside(connection, owner, token).await
}

/// Keeps a token beside the earlier ones of the same owner and purpose.
pub(crate) async fn keep_beside(
    connection: &mut SqliteConnection,
    owner: Owner,
    token: &NewMailedToken,
) -> StoreResult<()> {
    let (registration, account) = owner.columns();
    let purpose = token.purpose.as_str();
    let hash = token.hash.as_bytes();
    let expires_at = seconds(token.expires_at);
    sqlx::query!(
        "INSERT INTO mailed_tokens (hash, purpose, registration_id, account_id, expires_at)
         VALUES (?, ?, ?, ?, ?)",
        hash,
        purpose,
        registration,
        account,
        expires_at
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// A token that was used up, with whose it was.
pub(crate) struct Used {
    pub(crate) registration: Option<Vec<u8>>,
    pub(crate) account: Option<Vec<u8>>,
}

/// Uses a token up; `None` where it is unknown, used or expired.
pub(crate) async fn consume(
    connection: &mut SqliteConnection,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Used>> {
    let (purpose, hash, now) = (purpose.as_str(), token.as_bytes(), seconds(now));
    sqlx::query_as!(
        Used,
        "DELETE FROM mailed_tokens WHERE hash = ? AND purpose = ? AND expires_at > ?
         RETURNING registration_id AS registration, account_id AS account",
        hash,
        purpose,
        now
    )
    .fetch_optional(connection)
    .await
    .map_err(db)
}

/// Uses a token of an account up; whose it was. `None` where it is unknown, used, expired, or no
/// account's.
pub(crate) async fn consume_of_account(
    connection: &mut SqliteConnection,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let used = consume(connection, purpose, token, now).await?;
    let account = used.and_then(|used| used.account);
    account.map(|id| Ok(AccountId(uuid(&id)?))).transpose()
}

/// The account of a token that is good, and stays so.
pub(crate) async fn subject(
    connection: &mut SqliteConnection,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Account>> {
    let (purpose, hash, now) = (purpose.as_str(), token.as_bytes(), seconds(now));
    let id = sqlx::query_scalar!(
        r#"SELECT account_id AS "id!" FROM mailed_tokens
           WHERE hash = ? AND purpose = ? AND expires_at > ? AND account_id IS NOT NULL"#,
        hash,
        purpose,
        now
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(db)?;
    match id {
        Some(id) => find(connection, AccountId(uuid(&id)?)).await,
        None => Ok(None),
    }
}

/// Voids every token of an account but those that give it an address back, which outlive whatever
/// somebody with the new address does.
pub(crate) async fn void(connection: &mut SqliteConnection, account: AccountId) -> StoreResult<()> {
    let account = account.0.as_bytes().as_slice();
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = ? AND purpose <> 'email_undo'",
        account
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Voids the tokens of an account that have one purpose.
pub(crate) async fn void_purpose(
    connection: &mut SqliteConnection,
    account: AccountId,
    purpose: Purpose,
) -> StoreResult<()> {
    let (account, purpose) = (account.0.as_bytes().as_slice(), purpose.as_str());
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = ? AND purpose = ?",
        account,
        purpose
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
