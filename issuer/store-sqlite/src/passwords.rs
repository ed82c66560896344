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

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::tokens::{self, Owner};
use crate::{guesses, mail, sessions};

#[async_trait]
impl PasswordStore for SqliteStore {
    async fn issue_reset(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        token: NewMailedToken,
        letter: NewMail,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let asked = mail::take_request_about(&mut tx, request, account).await?;
        if !asked.is_some_and(|account| account.status == AccountStatus::Active) {
            return tx.leave(false).await;
        }
        tokens::keep(&mut tx, Owner::Account(account), &token).await?;
        mail::queue(&mut tx, context.now, &letter).await?;
        let event = context.event(Action::ResetRequested, Some(account), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn reset_subject(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.snapshot().await?;
        let subject = tokens::subject(&mut tx, Purpose::Reset, token, now).await?;
        Ok(subject.filter(|account| account.status == AccountStatus::Active))
    }

    async fn reset_password(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        password: PasswordHash,
        clears: GuessKey,
        notice: NewMail,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let used = tokens::consume_of_account(&mut tx, Purpose::Reset, token, context.now).await?;
        let Some(account) = used else {
            return tx.leave(false).await;
        };
        let (id, hash) = (account.0.as_bytes().as_slice(), password.expose());
        let updated = sqlx::query!(
            "UPDATE accounts SET password_hash = ?, email_verified = 1, version = version + 1,
                 device_epoch = device_epoch + 1
             WHERE id = ? AND status = 'active'",
            hash,
            id
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if updated.rows_affected() == 0 {
            return tx.leave(false).await;
        }
        sessions::end_all(&mut tx, account, context.now).await?;
        tokens::void(&mut tx, account).await?;
        guesses::clear(&mut tx, &clears).await?;
        mail::queue(&mut tx, context.now, &notice).await?;
        let event = context.event(Action::PasswordReset, Some(account), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
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
        let mut tx = self.write().await?;
        let (id, session) = (
            account.0.as_bytes().as_slice(),
            keep.0.as_bytes().as_slice(),
        );
        let (current, new) = (current.expose(), new.expose());
        let updated = sqlx::query!(
            "UPDATE accounts SET password_hash = ?, device_epoch = device_epoch + 1
             WHERE id = ? AND password_hash = ? AND status = 'active'
               AND EXISTS (SELECT 1 FROM sessions
                           WHERE sessions.id = ? AND account_id = accounts.id
                             AND ended_at IS NULL)",
            new,
            id,
            current,
            session
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if updated.rows_affected() == 0 {
            return tx.leave(false).await;
        }
        sessions::end_others(&mut tx, account, keep, context.now).await?;
        tokens::void(&mut tx, account).await?;
        mail::queue(&mut tx, context.now, &notice).await?;
        let event = context.event(Action::PasswordChanged, Some(account), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }
}
