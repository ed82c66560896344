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
use uuid::Uuid;

use crate::accounts::{account_at, drop_registrations, find, lock};
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::seconds;
use crate::tokens::{self, Owner};
use crate::{guesses, mail, sessions};

#[async_trait]
impl AddressStore for PostgresStore {
    async fn issue_address_change(
        &self,
        context: &Context,
        request: Uuid,
        asked: AskedChange,
        letters: WriteChangeLetters<'_>,
    ) -> StoreResult<bool> {
        self.attempt(|| self.issue(context, request, &asked, letters))
            .await
    }

    async fn change_address(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<bool> {
        self.attempt(|| self.change(context, token, guesses)).await
    }

    async fn undo_address_change(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        effects: FindUndoEffects<'_>,
    ) -> StoreResult<Option<Undone>> {
        self.attempt(|| self.undo(context, token, effects)).await
    }
}

impl PostgresStore {
    async fn issue(
        &self,
        context: &Context,
        request: Uuid,
        asked: &AskedChange,
        letters: WriteChangeLetters<'_>,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let asker = mail::take_request_about(&mut tx, request, asked.account).await?;
        let Some(account) = asker.filter(|account| still_asks(account, asked)) else {
            tx.roll_back().await?;
            return Ok(false);
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
        tx.record(context.event(action, Some(account.id), json!({})));
        tx.commit().await?;
        Ok(true)
    }

    async fn change(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let Some(account) = hold(&mut tx, token).await? else {
            return Ok(false);
        };
        let used = take(&mut tx, Purpose::EmailChange, token, context.now).await?;
        let Some(Lead { email, .. }) = used else {
            return Ok(false);
        };
        let is_active = find(&mut tx, account)
            .await?
            .is_some_and(|account| account.status == AccountStatus::Active);
        if !is_active || is_had_by_others(&mut tx, &email, account, context.now).await? {
            return Ok(false);
        }
        write_address(&mut tx, account, &email).await?;
        drop_registrations(&mut tx, email.canonical()).await?;
        tokens::void(&mut tx, account).await?;
        if let Some(place) = place_of(&mut tx, account, &email, context.now).await? {
            void_undos(&mut tx, account, place.saturating_add(1)).await?;
        }
        crate::guesses::clear(&mut tx, &guesses(&email)).await?;
        tx.record(context.event(Action::AddressChanged, Some(account), json!({})));
        tx.commit().await?;
        Ok(true)
    }

    async fn undo(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        effects: FindUndoEffects<'_>,
    ) -> StoreResult<Option<Undone>> {
        let mut tx = self.write().await?;
        let Some(account) = hold(&mut tx, token).await? else {
            return Ok(None);
        };
        let used = take(&mut tx, Purpose::EmailUndo, token, context.now).await?;
        let Some(Lead {
            email,
            place: Some(place),
        }) = used
        else {
            return Ok(None);
        };
        let Some(before) = find(&mut tx, account).await? else {
            return Ok(None);
        };
        void_undos(&mut tx, account, place).await?;
        if before.email.canonical() == email.canonical() {
            tokens::void_purpose(&mut tx, account, Purpose::EmailChange).await?;
            let action = Action::AddressChangeCancelled;
            tx.record(context.event(action, Some(account), json!({})));
            tx.commit().await?;
            return Ok(Some(Undone::Cancelled));
        }
        if account_at(&mut tx, email.canonical()).await?.is_some() {
            return Ok(None);
        }
        write_address(&mut tx, account, &email).await?;
        end_what_was_open(&mut tx, account, context.now).await?;
        drop_registrations(&mut tx, email.canonical()).await?;
        let effects = effects(&before, &email);
        guesses::clear(&mut tx, &effects.clears).await?;
        for notice in &effects.notices {
            mail::queue(&mut tx, context.now, notice).await?;
        }
        tx.record(context.event(Action::AddressPutBack, Some(account), json!({})));
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
    tx: &mut Transaction,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<bool> {
    Ok(reserved_for(tx, canonical_email, now).await?.is_some())
}

/// The account that may get an address back.
pub(crate) async fn reserved_for(
    tx: &mut Transaction,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let account = sqlx::query_scalar!(
        r#"SELECT account_id AS "account!" FROM mailed_tokens
           WHERE leads_to = $1 AND purpose = $2 AND expires_at > $3
             AND account_id IS NOT NULL LIMIT 1"#,
        canonical_email,
        Purpose::EmailUndo.as_str(),
        seconds(now)
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?;
    Ok(account.map(AccountId))
}

/// Whether somebody else has an address or may get it back.
async fn is_had_by_others(
    tx: &mut Transaction,
    email: &EmailAddress,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<bool> {
    sqlx::query_scalar!(
        r#"SELECT (EXISTS (SELECT 1 FROM accounts WHERE email_canonical = $1 AND id <> $2)
               OR EXISTS (SELECT 1 FROM mailed_tokens
                          WHERE leads_to = $1 AND account_id <> $2 AND purpose = $3
                            AND expires_at > $4)) AS "found!""#,
        email.canonical(),
        account.0,
        Purpose::EmailUndo.as_str(),
        seconds(now)
    )
    .fetch_one(tx)
    .await
    .map_err(db)
}

/// The account of a token, good or not, with its lock and those of the addresses that it has and
/// may get: addresses in order, and the account before its tokens, as everybody does. Where the
/// account gets another address meanwhile, its token goes with that.
async fn hold(tx: &mut Transaction, token: &MailedTokenHash) -> StoreResult<Option<AccountId>> {
    let row = sqlx::query!(
        r#"SELECT accounts.id, email_canonical AS has, leads_to AS "may_get!"
           FROM mailed_tokens JOIN accounts ON accounts.id = account_id
           WHERE hash = $1 AND leads_to IS NOT NULL"#,
        token.as_bytes()
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    let mut addresses = [row.has, row.may_get];
    addresses.sort_unstable();
    for canonical in &addresses {
        Lock::Address(canonical).take(tx).await.map_err(db)?;
    }
    let account = AccountId(row.id);
    lock(tx, account).await?;
    Ok(Some(account))
}

/// Where a token leads.
struct Lead {
    email: EmailAddress,
    /// Of an undo.
    place: Option<i64>,
}

/// Says where a token that was just kept leads.
async fn lead(
    tx: &mut Transaction,
    token: &NewMailedToken,
    email: &EmailAddress,
    place: Option<i64>,
) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE mailed_tokens SET leads_to = $1, leads_to_original = $2, place = $3
         WHERE hash = $4",
        email.canonical(),
        email.original(),
        place,
        token.hash.as_bytes()
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Uses a token up; where it leads, unless it is unknown, used or expired.
async fn take(
    tx: &mut Transaction,
    purpose: Purpose,
    token: &MailedTokenHash,
    now: UnixTime,
) -> StoreResult<Option<Lead>> {
    let row = sqlx::query!(
        "DELETE FROM mailed_tokens WHERE hash = $1 AND purpose = $2 AND expires_at > $3
         RETURNING leads_to, leads_to_original, place",
        token.as_bytes(),
        purpose.as_str(),
        seconds(now)
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    let (Some(canonical), Some(original)) = (row.leads_to, row.leads_to_original) else {
        let what = "a token of a change of address leads nowhere".to_owned();
        return Err(StoreError::Corrupt(what));
    };
    Ok(Some(Lead {
        email: EmailAddress::from_stored(canonical, original),
        place: row.place,
    }))
}

/// The place behind all undos of an account, whose lock the transaction holds.
async fn next_place(tx: &mut Transaction, account: AccountId) -> StoreResult<i64> {
    let last = sqlx::query_scalar!(
        "SELECT max(place) FROM mailed_tokens WHERE account_id = $1",
        account.0
    )
    .fetch_one(tx)
    .await
    .map_err(db)?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

/// The place of the first live undo of an account that leads to an address.
async fn place_of(
    tx: &mut Transaction,
    account: AccountId,
    email: &EmailAddress,
    now: UnixTime,
) -> StoreResult<Option<i64>> {
    sqlx::query_scalar!(
        "SELECT min(place) FROM mailed_tokens
         WHERE account_id = $1 AND leads_to = $2 AND expires_at > $3",
        account.0,
        email.canonical(),
        seconds(now)
    )
    .fetch_one(tx)
    .await
    .map_err(db)
}

/// Voids the undos of an account from a place on.
async fn void_undos(tx: &mut Transaction, account: AccountId, from: i64) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM mailed_tokens WHERE account_id = $1 AND place >= $2",
        account.0,
        from
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

async fn write_address(
    tx: &mut Transaction,
    account: AccountId,
    email: &EmailAddress,
) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE accounts SET email_canonical = $1, email_original = $2, email_verified = true
         WHERE id = $3",
        email.canonical(),
        email.original(),
        account.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends what somebody may have opened or had mailed since an address was changed.
async fn end_what_was_open(
    tx: &mut Transaction,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<()> {
    sessions::end_all(tx, account, now).await?;
    tokens::void(tx, account).await?;
    sqlx::query!(
        "UPDATE accounts SET version = version + 1, device_epoch = device_epoch + 1 WHERE id = $1",
        account.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
