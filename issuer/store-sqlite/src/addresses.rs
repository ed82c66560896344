//! Changing the address of an account, and taking it back.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::audit::{Action, Context};
use signet_core::email::EmailAddress;
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::ports::addresses::{
    AddressStore, AskedChange, FindGuesses, FindUndoEffects, Undone, WriteChangeLetters,
};
use signet_core::ports::{StoreError, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::accounts::{account_at, drop_registrations, find};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, uuid};
use crate::tokens::{self, Owner};
use crate::{guesses, mail, sessions};

#[async_trait]
impl AddressStore for SqliteStore {
    async fn issue_address_change(
        &self,
        context: &Context,
        request: Uuid,
        asked: AskedChange,
        letters: WriteChangeLetters<'_>,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let asker = mail::take_request_about(&mut tx, request, asked.account).await?;
        let Some(account) = asker.filter(|account| still_asks(account, &asked)) else {
            return tx.leave(false).await;
        };
        let owner = Owner::Account(account.id);
        tokens::keep(&mut tx, owner, &asked.change).await?;
        lead(&mut tx, &asked.change, &asked.email, None).await?;
        let letters = letters(&account);
        let to_new = match is_had_by_others(&mut tx, &asked.email, account.id, context.now).await? {
            true => letters.taken,
            false => letters.change,
        };
        mail::queue(&mut tx, context.now, &to_new).await?;
        if account.email_verified {
            let place = next_place(&mut tx, account.id).await?;
            tokens::keep_beside(&mut tx, owner, &asked.undo).await?;
            lead(&mut tx, &asked.undo, &account.email, Some(place)).await?;
            mail::queue(&mut tx, context.now, &letters.notice).await?;
        }
        let action = Action::AddressChangeRequested;
        record(&mut tx, context.event(action, Some(account.id), json!({}))).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn change_address(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let used = take(&mut tx, Purpose::EmailChange, token, context.now).await?;
        let Some(Lead { account, email, .. }) = used else {
            return tx.leave(false).await;
        };
        let is_active = find(&mut tx, account)
            .await?
            .is_some_and(|account| account.status == AccountStatus::Active);
        if !is_active || is_had_by_others(&mut tx, &email, account, context.now).await? {
            return tx.leave(false).await;
        }
        write_address(&mut tx, account, &email).await?;
        drop_registrations(&mut tx, email.canonical()).await?;
        tokens::void(&mut tx, account).await?;
        if let Some(place) = place_of(&mut tx, account, &email, context.now).await? {
            void_undos(&mut tx, account, place.saturating_add(1)).await?;
        }
        crate::guesses::clear(&mut tx, &guesses(&email)).await?;
        let event = context.event(Action::AddressChanged, Some(account), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn undo_address_change(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        effects: FindUndoEffects<'_>,
    ) -> StoreResult<Option<Undone>> {
        let mut tx = self.write().await?;
        let used = take(&mut tx, Purpose::EmailUndo, token, context.now).await?;
        let Some(Lead {
            account,
            email,
            place: Some(place),
        }) = used
        else {
            return tx.leave(None).await;
        };
        let Some(before) = find(&mut tx, account).await? else {
            return tx.leave(None).await;
        };
        void_undos(&mut tx, account, place).await?;
        if before.email.canonical() == email.canonical() {
            tokens::void_purpose(&mut tx, account, Purpose::EmailChange).await?;
            let action = Action::AddressChangeCancelled;
            record(&mut tx, context.event(action, Some(account), json!({}))).await?;
            tx.commit().await?;
            return Ok(Some(Undone::Cancelled));
        }
        if account_at(&mut tx, email.canonical()).await?.is_some() {
            return tx.leave(None).await;
        }
        write_address(&mut tx, account, &email).await?;
        end_what_was_open(&mut tx, account, context.now).await?;
        drop_registrations(&mut tx, email.canonical()).await?;
        let effects = effects(&before, &email);
        guesses::clear(&mut tx, &effects.clears).await?;
        for notice in &effects.notices {
            mail::queue(&mut tx, context.now, notice).await?;
        }
        let event = context.event(Action::AddressPutBack, Some(account), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(Undone::PutBack))
    }
}

/// Whether nothing happened to an account since that takes a request back.
fn still_asks(account: &Account, asked: &AskedChange) -> bool {
    account.status == AccountStatus::Active && account.device_epoch == asked.device_epoch
}

/// Whether a new account can't have an address, because an account may get it back.
pub(crate) async fn is_reserved(
    connection: &mut SqliteConnection,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<bool> {
    Ok(reserved_for(connection, canonical_email, now)
        .await?
        .is_some())
}

/// The account that may get an address back.
pub(crate) async fn reserved_for(
    connection: &mut SqliteConnection,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let (purpose, now) = (Purpose::EmailUndo.as_str(), seconds(now));
    let account = sqlx::query_scalar!(
        r#"SELECT account_id AS "account!" FROM mailed_tokens
           WHERE leads_to = ? AND purpose = ? AND expires_at > ?
             AND account_id IS NOT NULL LIMIT 1"#,
        canonical_email,
        purpose,
        now
    )
    .fetch_optional(connection)
    .await
    .map_err(db)?;
    account.map(|id| Ok(AccountId(uuid(&id)?))).transpose()
}

/// Whether somebody else has an address or may get it back.
async fn is_had_by_others(
    connection: &mut SqliteConnection,
    email: &EmailAddress,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<bool> {
    let (canonical, account) = (email.canonical(), account.0.as_bytes().as_slice());
    let (purpose, now) = (Purpose::EmailUndo.as_str(), seconds(now));
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM accounts WHERE email_canonical = ?1 AND id <> ?2)
             OR EXISTS (SELECT 1 FROM mailed_tokens
                        WHERE leads_to = ?1 AND account_id <> ?2 AND purpose = ?3
                          AND expires_at > ?4)",
        canonical,
        account,
        purpose,
        now
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(found != 0)
}

/// Where a token leads.
struct Lead {
    account: AccountId,
    email: EmailAddress,
    /// Of an undo.
    place: Option<i64>,
}

/// Says where a token that was just kept leads.
async fn lead(
    connection: &mut SqliteConnection,
    token: &NewMailedToken,
    email: &EmailAddress,
    place: Option<i64>,
) -> StoreResult<()> {
    let (hash, canonical, original) = (token.hash.as_bytes(), email.canonical(), email.original());
    sqlx::query!(
        "UPDATE mailed_tokens SET leads_to = ?, leads_to_original = ?, place = ?
         WHERE hash = ?",
        canonical,
        original,
        place,
        hash
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Uses a token up; where it leads, unless it is unknown, used or expired.
async fn take(
    connection: &mut SqliteConnection,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Lead>> {
    let (purpose, hash, now) = (purpose.as_str(), token.as_bytes(), seconds(now));
    let row = sqlx::query!(
        "DELETE FROM mailed_tokens WHERE hash = ? AND purpose = ? AND expires_at > ?
         RETURNING account_id, leads_to, leads_to_original, place",
        hash,
        purpose,
        now
    )
    .fetch_optional(connection)
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    let (Some(account), Some(canonical), Some(original)) =
        (row.account_id, row.leads_to, row.leads_to_original)
    else {
        let what = "a token of a change of address leads nowhere".to_owned();
        return Err(StoreError::Corrupt(what));
    };
    Ok(Some(Lead {
        account: AccountId(uuid(&account)?),
        email: EmailAddress::from_stored(canonical, original),
        place: row.place,
    }))
}

/// The place behind all undos of an account.
async fn next_place(connection: &mut SqliteConnection, account: AccountId) -> StoreResult<i64> {
    let account = account.0.as_bytes().as_slice();
    let last = sqlx::query_scalar!(
        r#"SELECT max(place) AS "last: i64" FROM mailed_tokens WHERE account_id = ?"#,
        account
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

/// The place of the first live undo of an account that leads to an address.
async fn place_of(
    connection: &mut SqliteConnection,
    account: AccountId,
    email: &EmailAddress,
    now: UnixTime,
) -> StoreResult<Option<i64>> {
    let (account, canonical) = (account.0.as_bytes().as_slice(), email.canonical());
    let now = seconds(now);
    sqlx::query_scalar!(
        r#"SELECT min(place) AS "first: i64" FROM mailed_tokens
           WHERE account_id = ? AND leads_to = ? AND expires_at > ?"#,
        account,
        canonical,
        now
    )
    .fetch_one(connection)
    .await
    .map_err(db)
}

/// Voids the undos of an account from a place on.
async fn void_undos(
    connection: &mut SqliteConnection,
    account: AccountId,
    from: i64,
) -> StoreResult<()> {
    let account = account.0.as_bytes().as_slice();
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = ? AND place >= ?",
        account,
        from
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

async fn write_address(
    connection: &mut SqliteConnection,
    account: AccountId,
    email: &EmailAddress,
) -> StoreResult<()> {
    let account = account.0.as_bytes().as_slice();
    let (canonical, original) = (email.canonical(), email.original());
    sqlx::query!(
        "UPDATE accounts SET email_canonical = ?, email_original = ?, email_verified = 1
         WHERE id = ?",
        canonical,
        original,
        account
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends what somebody may have opened or had mailed since an address was changed.
async fn end_what_was_open(
    connection: &mut SqliteConnection,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<()> {
    sessions::end_all(connection, account, now).await?;
    tokens::void(connection, account).await?;
    let id = account.0.as_bytes().as_slice();
    sqlx::query!(
        "UPDATE accounts SET version = version + 1, device_epoch = device_epoch + 1 WHERE id = ?",
        id
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
