//! Letting an account go with everything about its person.

use serde_json::json;
use signet_core::account::{Account, AccountId};
use signet_core::audit::chain::Redaction;
use signet_core::audit::{Action, Context, Event};
use signet_core::email::EmailAddress;
use signet_core::ports::personal::{ErasureRight, Farewell};
use signet_core::ports::{AdminRefusal, Ruled, StoreError, StoreResult};
use signet_core::role::grant::may_act_on;
use signet_core::session::SessionId;

use crate::accounts::{drop_registrations, find, has_admin, lock, password};
use crate::actor::is_live;
use crate::audit::forget_addresses;
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::{guesses, mail};

const WRITE: &str = "users:write";
/// How often the address is looked up again because it was changed in between.
const TRIES: u32 = 4;

impl PostgresStore {
    pub(super) async fn erase_account(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
        farewell: &(dyn for<'a> Fn(&'a EmailAddress) -> Farewell + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        Lock::Administration.take(&mut tx).await.map_err(db)?;
        let (mut tx, target) = match self.with_address_locked(tx, id).await? {
            Some(locked) => locked,
            None => return Ok(Err(AdminRefusal::NotFound)),
        };
        let Farewell { clears, mail } = farewell(&target.email);
        if let Err(refusal) = self.may_erase(&mut tx, context, &target, right).await? {
            return Ok(Err(refusal));
        }
        let catalogue = self.known_roles.current(&mut tx).await?;
        let was_admin = catalogue.authority(&target.roles).is_admin() && is_live(&target);
        delete(&mut tx, &target).await?;
        if was_admin && !has_admin(&mut tx, &catalogue).await? {
            return Ok(Err(AdminRefusal::LastAdmin));
        }
        guesses::clear(&mut tx, &clears).await?;
        mail::queue(&mut tx, context.now, &mail).await?;
        let taken_out = forget_addresses(&mut tx, id).await?;
        tx.record(event(context, id, &taken_out));
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// The account as it stays until the end of the transaction, whose address nobody else
    /// registers meanwhile.
    async fn with_address_locked(
        &self,
        mut tx: Transaction,
        id: AccountId,
    ) -> StoreResult<Option<(Transaction, Account)>> {
        for _ in 0..TRIES {
            let Some(before) = find(&mut tx, id).await? else {
                return Ok(None);
            };
            let address = before.email.canonical();
            Lock::Address(address).take(&mut tx).await.map_err(db)?;
            lock(&mut tx, id).await?;
            match find(&mut tx, id).await? {
                Some(now) if now.email.canonical() == address => return Ok(Some((tx, now))),
                Some(_) => {}
                None => return Ok(None),
            }
            // Others lock an address before its account: nothing may be held while one waits for
            // the next address.
            tx.roll_back().await?;
            tx = self.write().await?;
            Lock::Administration.take(&mut tx).await.map_err(db)?;
        }
        let what = "the address is changed again and again";
        Err(StoreError::Unavailable(what.into()))
    }

    async fn may_erase(
        &self,
        tx: &mut Transaction,
        context: &Context,
        target: &Account,
        right: &ErasureRight,
    ) -> Ruled<(), AdminRefusal> {
        match right {
            ErasureRight::Authority => {
                let actor = match self.permitted(tx, context, WRITE).await? {
                    Ok(actor) => actor,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                let authority = actor.catalogue.authority(&target.roles);
                Ok(may_act_on(&actor.authority, &authority).map_err(Into::into))
            }
            ErasureRight::Owner { session, checked } => {
                let is_same = password(tx, target.id).await?.as_ref() == Some(checked);
                if is_same && is_open(tx, target.id, *session).await? {
                    Ok(Ok(()))
                } else {
                    Ok(Err(AdminRefusal::NotFound))
                }
            }
        }
    }
}

/// What the trail says: whose it was, and what was taken out of rows of the release before.
fn event(context: &Context, id: AccountId, taken_out: &Redaction) -> Event {
    let detail = match taken_out.rows() {
        0 => json!({}),
        rows => json!({ "rows": rows, "taken_out": taken_out.digest() }),
    };
    context.event(Action::AccountErased, Some(id), detail)
}

/// Whether the session is live, as it stays until the end of the transaction.
async fn is_open(
    tx: &mut Transaction,
    account: AccountId,
    session: SessionId,
) -> StoreResult<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM sessions
         WHERE id = $1 AND account_id = $2 AND ended_at IS NULL FOR NO KEY UPDATE",
        session.0,
        account.0
    );
    Ok(found.fetch_optional(tx).await.map_err(db)?.is_some())
}

/// What belongs to an account goes before its row: who is at a session and still has to look at the
/// account, to tell its owner by mail, isn't waited for while they wait.
async fn delete(tx: &mut Transaction, account: &Account) -> StoreResult<()> {
    let id = account.id.0;
    sqlx::query!("DELETE FROM sessions WHERE account_id = $1", id)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM mailed_tokens WHERE account_id = $1", id)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    drop_registrations(tx, account.email.canonical()).await?;
    sqlx::query!("DELETE FROM accounts WHERE id = $1", id)
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}
