//! Accounts that are there before their mailbox is proven.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::password::PasswordHash;
use signet_core::ports::addresses::FindGuesses;
use signet_core::ports::unproven::{UnprovenAccount, UnprovenStore};
use signet_core::ports::{NewRegistration, RegistrationMail, StoreError, StoreResult};
use signet_core::time::UnixTime;
use uuid::Uuid;

use super::create::insert_row;
use super::existing;
use super::registrations::{keep, owner_of};
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::mail;
use crate::rows::array;
use crate::tokens::{self, Owner};

#[async_trait]
impl UnprovenStore for PostgresStore {
    async fn register_at_once(
        &self,
        context: &Context,
        id: AccountId,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()> {
        self.attempt(|| self.make_or_tell(context, id, &registration, &mail))
            .await
    }

    async fn renew_account_verification(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        token: NewMailedToken,
        letter: NewMail,
    ) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let asked = mail::take_request_about(&mut tx, request, account).await?;
            if !asked.as_ref().is_some_and(is_unproven) {
                tx.roll_back().await?;
                return Ok(false);
            }
            tokens::keep(&mut tx, Owner::Account(account), &token).await?;
            mail::queue(&mut tx, context.now, &letter).await?;
            tx.record(context.event(Action::VerificationResent, Some(account), json!({})));
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn unproven_account(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<UnprovenAccount>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let subject = tokens::subject(&mut tx, Purpose::Verify, token, now).await?;
            let Some(account) = subject.filter(is_unproven) else {
                return Ok(None);
            };
            let shown = sqlx::query!(
                "SELECT registration_hash, password_hash FROM accounts WHERE id = $1",
                account.id.0
            )
            .fetch_one(&mut tx)
            .await
            .map_err(db)?;
            let secret_hash = shown.registration_hash.as_deref();
            Ok(Some(UnprovenAccount {
                account,
                secret_hash: secret_hash.map(array).transpose()?,
                password: PasswordHash::from_stored(shown.password_hash),
            }))
        })
        .await
    }

    async fn prove_mailbox(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let used = tokens::consume_of_account(&mut tx, Purpose::Verify, token, context.now);
            let Some(id) = used.await? else {
                return Ok(None);
            };
            let updated = sqlx::query!(
                "UPDATE accounts SET email_verified = true, registration_hash = NULL
                 WHERE id = $1 AND status = 'active' AND NOT email_verified",
                id.0
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            if updated.rows_affected() == 0 {
                return Ok(None);
            }
            let account = existing(&mut tx, id).await?;
            crate::guesses::clear(&mut tx, &guesses(&account.email)).await?;
            tx.record(context.event(Action::AccountVerified, Some(id), json!({})));
            tx.commit().await?;
            Ok(Some(account))
        })
        .await
    }
}

impl PostgresStore {
    async fn make_or_tell(
        &self,
        context: &Context,
        id: AccountId,
        registration: &NewRegistration,
        mail: &RegistrationMail,
    ) -> StoreResult<()> {
        let mut tx = self.write().await?;
        let canonical = registration.email.canonical();
        Lock::Address(canonical).take(&mut tx).await.map_err(db)?;
        let owner = owner_of(&mut tx, canonical, context.now).await?;
        let (subject, letter) = match owner {
            Some(owner) => {
                // As many writes as an account takes, to a table with as many indexes.
                keep(&mut tx, context.now, registration).await?;
                (owner, &mail.taken)
            }
            None => {
                make(&mut tx, context.now, id, registration).await?;
                (id, &mail.verify)
            }
        };
        if let Some(letter) = letter {
            let letter = NewMail {
                account: Some(subject),
                ..letter.clone()
            };
            mail::queue(&mut tx, context.now, &letter).await?;
        }
        let detail = json!({ "created": owner.is_none() });
        let event = context.event(Action::RegistrationRequested, Some(subject), detail);
        // Where a registration is kept, the client's address is that of whoever asked for it.
        tx.record(match owner {
            Some(_) => event.of_registration(registration.id),
            None => event,
        });
        tx.commit().await
    }
}

fn is_unproven(account: &Account) -> bool {
    account.status == AccountStatus::Active && !account.email_verified
}

/// Makes the account of a registration, whose address is free and whose lock the transaction holds.
async fn make(
    tx: &mut Transaction,
    now: UnixTime,
    id: AccountId,
    registration: &NewRegistration,
) -> StoreResult<()> {
    let account = NewAccount {
        id,
        email: registration.email.clone(),
        email_verified: false,
        name: registration.name.clone(),
        password: registration.password.clone(),
        roles: BTreeSet::new(),
    };
    let secret_hash = registration.secret_hash.as_slice();
    if !insert_row(tx, now, &account, Some(secret_hash)).await? {
        let what = "an address that was free is taken".to_owned();
        return Err(StoreError::Corrupt(what));
    }
    tokens::keep(tx, Owner::Account(id), &registration.token).await
}
