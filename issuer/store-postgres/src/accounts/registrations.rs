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
use uuid::Uuid;

use super::create::insert;
use super::find;
use crate::addresses;
use crate::audit::adopt_addresses;
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::mail;
use crate::rows::{array, display_name, seconds};
use crate::tokens::{self, Owner};

/// How many registrations of one address wait at once.
const MOST_PER_ADDRESS: i64 = 3;

impl PostgresStore {
    pub(super) async fn keep_registration(
        &self,
        context: &Context,
        registration: &NewRegistration,
        mail: &RegistrationMail,
    ) -> StoreResult<()> {
        let mut tx = self.write().await?;
        let canonical = registration.email.canonical();
        Lock::Address(canonical).take(&mut tx).await.map_err(db)?;
        let owner = owner_of(&mut tx, canonical, context.now).await?;
        // Kept for an address that is taken too, as useless as it is there: the same writes take
        // the same time.
        keep(&mut tx, context.now, registration).await?;
        let letter = match owner {
            Some(_) => &mail.taken,
            None => &mail.verify,
        };
        if let Some(letter) = letter {
            let letter = NewMail {
                account: owner,
                ..letter.clone()
            };
            mail::queue(&mut tx, context.now, &letter).await?;
        }
        let event = context.event(Action::RegistrationRequested, owner, json!({}));
        tx.record(event.of_registration(registration.id));
        tx.commit().await
    }

    pub(super) async fn renew_token(
        &self,
        context: &Context,
        request: Uuid,
        canonical_email: &str,
        token: &NewMailedToken,
        letter: &NewMail,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        if !mail::take_request(&mut tx, request).await? {
            return Ok(false);
        }
        let address = Lock::Address(canonical_email);
        address.take(&mut tx).await.map_err(db)?;
        let newest = sqlx::query_scalar!(
            "SELECT id FROM registrations
             WHERE email_canonical = $1 AND expires_at > $2
               AND NOT EXISTS (SELECT 1 FROM accounts WHERE email_canonical = $1)
               AND NOT EXISTS (SELECT 1 FROM mailed_tokens
                               WHERE leads_to = $1 AND purpose = 'email_undo'
                                 AND expires_at > $2)
             ORDER BY number DESC LIMIT 1",
            canonical_email,
            seconds(context.now)
        )
        .fetch_optional(&mut tx)
        .await
        .map_err(db)?;
        let Some(newest) = newest else {
            tx.roll_back().await?;
            return Ok(false);
        };
        tokens::keep(&mut tx, Owner::Registration(newest), token).await?;
        mail::queue(&mut tx, context.now, letter).await?;
        let event = context.event(Action::VerificationResent, None, json!({}));
        tx.record(event.of_registration(newest));
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn registration_of(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<PendingRegistration>> {
        let mut tx = self.snapshot().await?;
        let row = sqlx::query!(
            "SELECT registrations.id, secret_hash, password_hash
             FROM mailed_tokens JOIN registrations ON registrations.id = registration_id
             WHERE hash = $1 AND purpose = $2 AND mailed_tokens.expires_at > $3
               AND registrations.expires_at > $3
               AND NOT EXISTS (SELECT 1 FROM accounts
                               WHERE email_canonical = registrations.email_canonical)
               AND NOT EXISTS (SELECT 1 FROM mailed_tokens AS undo
                               WHERE undo.leads_to = registrations.email_canonical
                                 AND undo.purpose = 'email_undo' AND undo.expires_at > $3)",
            token.as_bytes(),
            Purpose::Verify.as_str(),
            seconds(now)
        )
        .fetch_optional(&mut tx)
        .await
        .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PendingRegistration {
            id: row.id,
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
        // The address before its token, as everybody does.
        let Some(canonical) = address_of(&mut tx, token).await? else {
            return Ok(None);
        };
        Lock::Address(&canonical).take(&mut tx).await.map_err(db)?;
        let used = tokens::consume(&mut tx, Purpose::Verify, token, context.now).await?;
        let Some(registration) = used.and_then(|used| used.registration) else {
            return Ok(None);
        };
        let Some(account) = become_account(&mut tx, context.now, registration, id).await? else {
            return Ok(None);
        };
        adopt_addresses(&mut tx, registration, id).await?;
        if !insert(&mut tx, context.now, &account).await? {
            return Ok(None);
        }
        crate::guesses::clear(&mut tx, &guesses(&account.email)).await?;
        tx.record(context.event(Action::RegistrationVerified, Some(id), json!({})));
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
            "SELECT id, password_hash FROM accounts WHERE email_canonical = $1",
            canonical_email
        )
        .fetch_optional(&mut tx)
        .await
        .map_err(db)?;
        let (id, password) = match found {
            Some(found) => (found.id, Some(found.password_hash)),
            None => (Uuid::nil(), None),
        };
        // Asked for nobody's id as well: the same queries, whatever there is.
        let account = find(&mut tx, AccountId(id)).await?;
        let pending = sqlx::query_scalar!(
            "SELECT password_hash FROM registrations
             WHERE email_canonical = $1 AND expires_at > $2
             ORDER BY number DESC LIMIT 1",
            canonical_email,
            seconds(now)
        )
        .fetch_optional(&mut tx)
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
    tx: &mut Transaction,
    canonical_email: &str,
    now: UnixTime,
) -> StoreResult<Option<AccountId>> {
    let owner = account_at(tx, canonical_email).await?;
    // Asked for in either case: the same queries take the same time.
    let reserved_for = addresses::reserved_for(tx, canonical_email, now).await?;
    Ok(owner.or(reserved_for))
}

/// Whose account has an address.
pub(crate) async fn account_at(
    tx: &mut Transaction,
    canonical_email: &str,
) -> StoreResult<Option<AccountId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE email_canonical = $1",
        canonical_email
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?;
    Ok(id.map(AccountId))
}

/// Drops what waits for an address: an account has it now, or everything about its owner goes.
pub(crate) async fn drop_registrations(
    tx: &mut Transaction,
    canonical_email: &str,
) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM registrations WHERE email_canonical = $1",
        canonical_email
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// The address of the registration that a token belongs to, good or not.
async fn address_of(tx: &mut Transaction, token: &MailedTokenHash) -> StoreResult<Option<String>> {
    sqlx::query_scalar!(
        "SELECT email_canonical
         FROM mailed_tokens JOIN registrations ON registrations.id = registration_id
         WHERE hash = $1",
        token.as_bytes()
    )
    .fetch_optional(tx)
    .await
    .map_err(db)
}

pub(super) async fn keep(
    tx: &mut Transaction,
    now: UnixTime,
    registration: &NewRegistration,
) -> StoreResult<()> {
    let canonical = registration.email.canonical();
    sqlx::query!(
        "INSERT INTO registrations
             (id, secret_hash, email_canonical, email_original, name, password_hash, created_at,
              expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        registration.id,
        registration.secret_hash.as_slice(),
        canonical,
        registration.email.original(),
        registration.name.as_ref().map(DisplayName::as_str),
        registration.password.expose(),
        seconds(now),
        seconds(registration.expires_at)
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!(
        "DELETE FROM registrations WHERE number IN (
             SELECT number FROM registrations WHERE email_canonical = $1
             ORDER BY number DESC OFFSET $2)",
        canonical,
        MOST_PER_ADDRESS
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let owner = Owner::Registration(registration.id);
    tokens::keep(tx, owner, &registration.token).await
}

/// The account that a registration asks for, if it still waits.
async fn become_account(
    tx: &mut Transaction,
    now: UnixTime,
    registration: Uuid,
    id: AccountId,
) -> StoreResult<Option<NewAccount>> {
    let row = sqlx::query!(
        "SELECT email_canonical, email_original, name, password_hash
         FROM registrations WHERE id = $1 AND expires_at > $2",
        registration,
        seconds(now)
    )
    .fetch_optional(tx)
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
