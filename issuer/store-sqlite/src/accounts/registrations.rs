//! Registrations: pending rows, of which one becomes the account.

use serde_json::json;
use signet_core::account::{Account, AccountId, DisplayName, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::email::EmailAddress;
use signet_core::mail::NewMail;
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::password::PasswordHash;
use signet_core::ports::addresses::FindGuesses;
use signet_core::ports::{
    Credential, NewRegistration, PendingRegistration, RegistrationMail, StoreResult,
};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::create::insert;
use super::find;
use crate::addresses;
use crate::audit::{self, record};
use crate::db::{SqliteStore, db};
use crate::mail;
use crate::rows::{array, display_name, seconds, uuid};
use crate::tokens::{self, Owner};

/// How many registrations of one address wait at once.
const MOST_PER_ADDRESS: i64 = 3;

impl SqliteStore {
    pub(super) async fn keep_registration(
        &self,
        context: &Context,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()> {
        let mut tx = self.write().await?;
        let owner = owner_of(&mut tx, registration.email.canonical(), context.now).await?;
        // Kept for an address that is taken too, as useless as it is there: the same writes take
        // the same time.
        keep(&mut tx, context.now, &registration).await?;
        let letter = match owner {
            Some(_) => mail.taken,
            None => mail.verify,
        };
        if let Some(letter) = letter {
            let letter = NewMail {
                account: owner,
                ..letter
            };
            mail::queue(&mut tx, context.now, &letter).await?;
        }
        let event = context.event(Action::RegistrationRequested, owner, json!({}));
        record(&mut tx, event.of_registration(registration.id)).await?;
        tx.commit().await
    }

    pub(super) async fn renew_token(
        &self,
        context: &Context,
        request: Uuid,
        canonical_email: &str,
        token: NewMailedToken,
        letter: NewMail,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        if !mail::take_request(&mut tx, request).await? {
            return tx.leave(false).await;
        }
        let now = seconds(context.now);
        let newest = sqlx::query_scalar!(
            "SELECT id FROM registrations
             WHERE email_canonical = ?1 AND expires_at > ?2
               AND NOT EXISTS (SELECT 1 FROM accounts WHERE email_canonical = ?1)
               AND NOT EXISTS (SELECT 1 FROM mailed_tokens
                               WHERE leads_to = ?1 AND purpose = 'email_undo'
                                 AND expires_at > ?2)
             ORDER BY number DESC LIMIT 1",
            canonical_email,
            now
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
        let Some(newest) = newest else {
            return tx.leave(false).await;
        };
        let newest = uuid(&newest)?;
        tokens::keep(&mut tx, Owner::Registration(newest), &token).await?;
        mail::queue(&mut tx, context.now, &letter).await?;
        let event = context.event(Action::VerificationResent, None, json!({}));
        record(&mut tx, event.of_registration(newest)).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn registration_of(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<PendingRegistration>> {
        let (hash, purpose, now) = (token.as_bytes(), Purpose::Verify.as_str(), seconds(now));
        let row = sqlx::query!(
            "SELECT registrations.id, secret_hash, password_hash
             FROM mailed_tokens JOIN registrations ON registrations.id = registration_id
             WHERE hash = ?1 AND purpose = ?2 AND mailed_tokens.expires_at > ?3
               AND registrations.expires_at > ?3
               AND NOT EXISTS (SELECT 1 FROM accounts
                               WHERE email_canonical = registrations.email_canonical)
               AND NOT EXISTS (SELECT 1 FROM mailed_tokens AS undo
                               WHERE undo.leads_to = registrations.email_canonical
                                 AND undo.purpose = 'email_undo' AND undo.expires_at > ?3)",
            hash,
            purpose,
            now
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PendingRegistration {
            id: uuid(&row.id)?,
            secret_hash: array(&row.secret_hash)?,
            password: PasswordHash::from_stored(row.password_hash),
        }))
    }

    pub(super) async fn activate_registration(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        id: AccountId,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.write().await?;
        let used = tokens::consume(&mut tx, Purpose::Verify, token, context.now).await?;
        let Some(registration) = used.and_then(|used| used.registration) else {
            return tx.leave(None).await;
        };
        let Some(account) = become_account(&mut tx, context.now, &registration, id).await? else {
            return tx.leave(None).await;
        };
        audit::adopt_addresses(&mut tx, uuid(&registration)?, id).await?;
        if !insert(&mut tx, context.now, &account).await? {
            return tx.leave(None).await;
        }
        crate::guesses::clear(&mut tx, &guesses(&account.email)).await?;
        let event = context.event(Action::RegistrationVerified, Some(id), json!({}));
        record(&mut tx, event).await?;
        let account = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(account)
    }

    pub(super) async fn credential_of(
        &self,
        canonical_email: &str,
        now: UnixTime,
    ) -> StoreResult<Credential> {
        let mut tx = self.snapshot().await?;
        let found = sqlx::query!(
            "SELECT id, password_hash FROM accounts WHERE email_canonical = ?",
            canonical_email
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
        let (id, password) = match found {
            Some(found) => (uuid(&found.id)?, Some(found.password_hash)),
            None => (Uuid::nil(), None),
        };
        // Asked for nobody's id as well: the same queries, whatever there is.
        let account = find(&mut tx, AccountId(id)).await?;
        let now = seconds(now);
        let pending = sqlx::query_scalar!(
            "SELECT password_hash FROM registrations
             WHERE email_canonical = ? AND expires_at > ?
             ORDER BY number DESC LIMIT 1",
            canonical_email,
            now
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
        Ok(match (account.zip(password), pending) {
            (Some((account, hash)), _) => Credential::Account {
                account: Box::new(account),
                password: PasswordHash::from_stored(hash),
            },
            (None, Some(hash)) => Credential::Pending {
                password: PasswordHash::from_stored(hash),
            },
            (None, None) => Credential::Unknown,
        })
    }
}

/// Whose account has an address, or may get it back.
pub(super) async fn owner_of(
    connection: &mut SqliteConnection,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let owner = account_at(connection, canonical_email).await?;
    // Asked for in either case: the same queries take the same time.
    let reserved_for = addresses::reserved_for(connection, canonical_email, now).await?;
    Ok(owner.or(reserved_for))
}

/// Whose account has an address.
pub(crate) async fn account_at(
    connection: &mut SqliteConnection,
    canonical_email: &str,
) -> StoreResult<Option<AccountId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE email_canonical = ?",
        canonical_email
    )
    .fetch_optional(connection)
    .await
    .map_err(db)?;
    id.map(|id| Ok(AccountId(uuid(&id)?))).transpose()
}

/// Drops what waits for an address: an account has it now, or everything about its owner goes.
pub(crate) async fn drop_registrations(
    connection: &mut SqliteConnection,
    canonical_email: &str,
) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM registrations WHERE email_canonical = ?",
        canonical_email
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

pub(super) async fn keep(
    connection: &mut SqliteConnection,
    now: UnixTime,
    registration: &NewRegistration,
) -> StoreResult<()> {
    let id = registration.id.as_bytes().as_slice();
    let secret_hash = registration.secret_hash.as_slice();
    let email = &registration.email;
    let (canonical, original) = (email.canonical(), email.original());
    let name = registration.name.as_ref().map(DisplayName::as_str);
    let password = registration.password.expose();
    let (created_at, expires_at) = (seconds(now), seconds(registration.expires_at));
    sqlx::query!(
        "INSERT INTO registrations
             (id, secret_hash, email_canonical, email_original, name, password_hash, created_at,
              expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        secret_hash,
        canonical,
        original,
        name,
        password,
        created_at,
        expires_at
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    sqlx::query!(
        "DELETE FROM registrations WHERE number IN (
             SELECT number FROM registrations WHERE email_canonical = ?
             ORDER BY number DESC LIMIT -1 OFFSET ?)",
        canonical,
        MOST_PER_ADDRESS
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    let owner = Owner::Registration(registration.id);
    tokens::keep(connection, owner, &registration.token).await
}

/// The account that a registration asks for, if it still waits.
async fn become_account(
    connection: &mut SqliteConnection,
    now: UnixTime,
    registration: &[u8],
    id: AccountId,
) -> StoreResult<Option<NewAccount>> {
    let now = seconds(now);
    let row = sqlx::query!(
        "SELECT email_canonical, email_original, name, password_hash
         FROM registrations WHERE id = ? AND expires_at > ?",
        registration,
        now
    )
    .fetch_optional(connection)
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(NewAccount {
        id,
        email: EmailAddress::from_stored(row.email_canonical, row.email_original),
        email_verified: true,
        name: row.name.as_deref().map(display_name).transpose()?,
        password: PasswordHash::from_stored(row.password_hash),
        roles: Default::default(),
    }))
}
