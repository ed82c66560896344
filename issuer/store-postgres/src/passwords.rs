//! Passwords and the tokens that set them.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::audit::{Action, Context};
use signet_core::limit::GuessKey;
use signet_core::mail::NewMail;
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use signet_core::password::PasswordHash;
use signet_core::ports::{PasswordStore, StoreResult};
use signet_core::session::SessionId;
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::accounts::lock;
use crate::db::{PostgresStore, db};
use crate::tokens::{self, Owner};
use crate::{guesses, mail, sessions};

#[async_trait]
impl PasswordStore for PostgresStore {
    async fn issue_reset(
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
            if !asked.is_some_and(|account| account.status == AccountStatus::Active) {
                tx.roll_back().await?;
                return Ok(false);
            }
            tokens::keep(&mut tx, Owner::Account(account), &token).await?;
            mail::queue(&mut tx, context.now, &letter).await?;
            tx.record(context.event(Action::ResetRequested, Some(account), json!({})));
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn reset_subject(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let subject = tokens::subject(&mut tx, Purpose::Reset, token, now).await?;
            Ok(subject.filter(|account| account.status == AccountStatus::Active))
        })
        .await
    }

    async fn reset_password(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        password: PasswordHash,
        clears: GuessKey,
        notice: NewMail,
    ) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let used = tokens::consume_of_account(&mut tx, Purpose::Reset, token, context.now);
            let Some(account) = used.await? else {
                return Ok(false);
            };
            let updated = sqlx::query!(
                "UPDATE accounts SET password_hash = $1, email_verified = true,
                     version = version + 1, device_epoch = device_epoch + 1
                 WHERE id = $2 AND status = 'active'",
                password.expose(),
                account.0
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            if updated.rows_affected() == 0 {
                return Ok(false);
            }
            sessions::end_all(&mut tx, account, context.now).await?;
            tokens::void(&mut tx, account).await?;
            guesses::clear(&mut tx, &clears).await?;
            mail::queue(&mut tx, context.now, &notice).await?;
            tx.record(context.event(Action::PasswordReset, Some(account), json!({})));
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn change_password(
        &self,
        context: &Context,
        keep: SessionId,
        account: AccountId,
        current: &PasswordHash,
        new: PasswordHash,
        notice: NewMail,
    ) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            lock(&mut tx, account).await?;
            let updated = sqlx::query!(
                "UPDATE accounts SET password_hash = $1, device_epoch = device_epoch + 1
                 WHERE id = $2 AND password_hash = $3 AND status = 'active'
                   AND EXISTS (SELECT 1 FROM sessions
                               WHERE sessions.id = $4 AND account_id = accounts.id
                                 AND ended_at IS NULL)",
                new.expose(),
                account.0,
                current.expose(),
                keep.0
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            if updated.rows_affected() == 0 {
                return Ok(false);
            }
            sessions::end_others(&mut tx, account, keep, context.now).await?;
            tokens::void(&mut tx, account).await?;
            mail::queue(&mut tx, context.now, &notice).await?;
            tx.record(context.event(Action::PasswordChanged, Some(account), json!({})));
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}
