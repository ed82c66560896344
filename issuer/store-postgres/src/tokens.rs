//! Mailed tokens: kept as a hash, used by deleting the row.

use signet_core::account::{Account, AccountId};
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::ports::StoreResult;
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::accounts::{find, lock};
use crate::db::{Transaction, db};
use crate::rows::seconds;

/// Whose a token is.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    Registration(Uuid),
    Account(AccountId),
    Nobody,
}

impl Owner {
    /// The registration and the account, of which there is one at most.
    fn columns(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Registration(id) => (Some(id), None),
            Self::Account(id) => (None, Some(id.0)),
            Self::Nobody => (None, None),
        }
    }
}

/// Keeps a token, voiding the earlier ones of the same owner and purpose. The transaction holds
/// the lock of the owner: of the registration's address, of the account's row, or (for nobody's)
/// that of administration.
pub(crate) async fn keep(
    tx: &mut Transaction,
    owner: Owner,
    token: &NewMailedToken,
) -> StoreResult<()> {
    let (registration, account) = owner.columns();
    sqlx::query!(
        "DELETE FROM mailed_tokens
         WHERE purpose = $1 AND registration_id IS NOT DISTINCT FROM $2
           AND account_id IS NOT DISTINCT FROM $3",
        token.purpose.as_str(),
        registration,
        account
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    keep_beside(tx, owner, token).await
}

/// Keeps a token beside the earlier ones of the same owner and purpose.
pub(crate) async fn keep_beside(
    tx: &mut Transaction,
    owner: Owner,
    token: &NewMailedToken,
) -> StoreResult<()> {
    let (registration, account) = owner.columns();
    sqlx::query!(
        "INSERT INTO mailed_tokens (hash, purpose, registration_id, account_id, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        token.hash.as_bytes(),
        token.purpose.as_str(),
        registration,
        account,
        seconds(token.expires_at)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// A token that was used up, with whose it was.
pub(crate) struct Used {
    pub(crate) registration: Option<Uuid>,
    pub(crate) account: Option<Uuid>,
}

/// Uses a token up; `None` where it is unknown, used or expired.
pub(crate) async fn consume(
    tx: &mut Transaction,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Used>> {
    sqlx::query_as!(
        Used,
        "DELETE FROM mailed_tokens WHERE hash = $1 AND purpose = $2 AND expires_at > $3
         RETURNING registration_id AS registration, account_id AS account",
        token.as_bytes(),
        purpose.as_str(),
        seconds(now)
    )
    .fetch_optional(tx)
    .await
    .map_err(db)
}

/// Uses a token of an account up; whose it was. `None` where it is unknown, used, expired, or no
/// account's. Takes the account's lock before the token's, as everybody does.
pub(crate) async fn consume_of_account(
    tx: &mut Transaction,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let Some(account) = account_of(tx, purpose, token, now).await? else {
        return Ok(None);
    };
    lock(tx, account).await?;
    let used = consume(tx, purpose, token, now).await?;
    let is_the_same = used.and_then(|used| used.account) == Some(account.0);
    Ok(is_the_same.then_some(account))
}

/// The account of a token that is good, and stays so.
pub(crate) async fn subject(
    tx: &mut Transaction,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Account>> {
    match account_of(tx, purpose, token, now).await? {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

async fn account_of(
    tx: &mut Transaction,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let id = sqlx::query_scalar!(
        r#"SELECT account_id AS "id!" FROM mailed_tokens
           WHERE hash = $1 AND purpose = $2 AND expires_at > $3 AND account_id IS NOT NULL"#,
        token.as_bytes(),
        purpose.as_str(),
        seconds(now)
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?;
    Ok(id.map(AccountId))
}

/// Voids every token of an account but those that give it an address back, which outlive whatever
/// somebody with the new address does.
pub(crate) async fn void(tx: &mut Transaction, account: AccountId) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = $1 AND purpose <> 'email_undo'",
        account.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Voids the tokens of an account that have one purpose.
pub(crate) async fn void_purpose(
    tx: &mut Transaction,
    account: AccountId,
    purpose: Purpose,
) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = $1 AND purpose = $2",
        account.0,
        purpose.as_str()
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
