//! The lives of keys: plans of `signet_core::signing::life`, carried out one after the other.

use std::collections::BTreeMap;

use async_trait::async_trait;
use signet_core::audit::Context;
use signet_core::ports::key_lifecycle::KeyLifecycle;
use signet_core::ports::{Ruled, StoreResult};
use signet_core::signing::life::{KeyChange, KeyChangeError, Plan, Step};
use signet_core::signing::reseal::{Resealed, SealedValue};
use signet_core::signing::{KeyStock, KeysVersion, RefusalPeriod, RemovedKey, SealedSecret};
use signet_core::time::UnixTime;

use super::{insert_mac_key, insert_secret, insert_signing_key, load, no_keys, reseal, secrets};
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{array, seconds, signed, time};

const WRITE: &str = "keys:write";

#[async_trait]
impl KeyLifecycle for PostgresStore {
    async fn keys_version(&self) -> StoreResult<KeysVersion> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let meta = sqlx::query!("SELECT incarnation, keys_version FROM meta WHERE id = 1")
                .fetch_one(&mut tx)
                .await
                .map_err(db)?;
            Ok(KeysVersion {
                incarnation: array(&meta.incarnation.ok_or_else(no_keys)?)?,
                drawn: meta.keys_version,
            })
        })
        .await
    }

    async fn key_stock(&self) -> StoreResult<KeyStock> {
        self.attempt(|| async { stock(&mut self.snapshot().await?).await })
            .await
    }

    async fn change_keys(
        &self,
        context: &Context,
        change: &KeyChange<'_>,
    ) -> Ruled<Plan, KeyChangeError> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            Lock::Keys.take(&mut tx).await.map_err(db)?;
            if self.permitted(&mut tx, context, WRITE).await?.is_err() {
                return Ok(Err(KeyChangeError::Forbidden));
            }
            let plan = match change.plan(&stock(&mut tx).await?, context.now) {
                Ok(plan) => plan,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if plan.is_empty() {
                return Ok(Ok(plan));
            }
            for step in &plan.steps {
                carry_out(&mut tx, step, context.now).await?;
            }
            draw_version(&mut tx).await?;
            for (action, detail) in &plan.records {
                tx.record(context.event(*action, None, detail.clone()));
            }
            tx.commit().await?;
            Ok(Ok(plan))
        })
        .await
    }

    async fn note_token_life(&self, kid: &str, seconds: u64) -> StoreResult<()> {
        self.attempt(|| async {
            let life = signed(seconds);
            let mut tx = self.write().await?;
            Lock::Keys.take(&mut tx).await.map_err(db)?;
            let noted = sqlx::query!(
                "UPDATE signing_keys SET token_life = $1 WHERE kid = $2 AND token_life < $1",
                life,
                kid
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            if noted.rows_affected() == 0 {
                return Ok(());
            }
            draw_version(&mut tx).await?;
            tx.commit().await
        })
        .await
    }

    async fn keep_secrets(&self, kept: Vec<SealedSecret>) -> StoreResult<Vec<SealedSecret>> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            Lock::Keys.take(&mut tx).await.map_err(db)?;
            for secret in &kept {
                insert_secret(&mut tx, secret).await?;
            }
            draw_version(&mut tx).await?;
            let secrets = secrets(&mut tx).await?;
            tx.commit().await?;
            Ok(secrets)
        })
        .await
    }

    async fn sealed_values(&self) -> StoreResult<BTreeMap<String, u64>> {
        self.attempt(|| async { reseal::count(&mut self.snapshot().await?).await })
            .await
    }

    async fn sealed_under(&self, master_key: &str, limit: u32) -> StoreResult<Vec<SealedValue>> {
        self.attempt(|| async {
            reseal::sealed_under(&mut self.snapshot().await?, master_key, limit).await
        })
        .await
    }

    async fn reseal(&self, context: &Context, values: Vec<Resealed>) -> StoreResult<u64> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            Lock::Keys.take(&mut tx).await.map_err(db)?;
            let done = reseal::reseal(&mut tx, context, &values).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await
    }
}

async fn stock(tx: &mut Transaction) -> StoreResult<KeyStock> {
    Ok(KeyStock {
        keys: load(tx).await?.ok_or_else(no_keys)?,
        removed: removed(tx).await?,
        refused: refused(tx).await?,
    })
}

async fn removed(tx: &mut Transaction) -> StoreResult<Vec<RemovedKey>> {
    let rows = sqlx::query!(
        r#"SELECT kid, created_at, activated_at, retired_at, removed_at FROM removed_keys
           ORDER BY removed_at, kid COLLATE "C""#
    )
    .fetch_all(tx)
    .await
    .map_err(db)?;
    let removed = rows.into_iter().map(|row| RemovedKey {
        kid: row.kid,
        created_at: time(row.created_at),
        activated_at: row.activated_at.map(time),
        retired_at: row.retired_at.map(time),
        removed_at: time(row.removed_at),
    });
    Ok(removed.collect())
}

async fn refused(tx: &mut Transaction) -> StoreResult<Vec<RefusalPeriod>> {
    let rows = sqlx::query!(
        r#"SELECT kid, refused_at, refused_until FROM refused_kids ORDER BY kid COLLATE "C""#
    )
    .fetch_all(tx)
    .await
    .map_err(db)?;
    let refused = rows.into_iter().map(|row| RefusalPeriod {
        kid: row.kid,
        refused_at: time(row.refused_at),
        refused_until: time(row.refused_until),
    });
    Ok(refused.collect())
}

async fn carry_out(tx: &mut Transaction, step: &Step, now: UnixTime) -> StoreResult<()> {
    match step {
        Step::Retire(kid) => retire(tx, kid, now).await,
        Step::Promote(kid) => promote(tx, kid, now).await,
        Step::Publish(key) => insert_signing_key(tx, key).await,
        Step::Remove(kid) => remove(tx, kid, now).await,
        Step::Refuse(kid, until) => refuse(tx, kid, now, *until).await,
        Step::AddMac(key) => insert_mac_key(tx, key).await,
        Step::RemoveMac(id) => remove_mac(tx, *id).await,
    }
}

async fn retire(tx: &mut Transaction, kid: &str, now: UnixTime) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE signing_keys SET state = 'retired', retired_at = $2 WHERE kid = $1",
        kid,
        seconds(now)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

async fn promote(tx: &mut Transaction, kid: &str, now: UnixTime) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE signing_keys SET state = 'active', activated_at = $2 WHERE kid = $1",
        kid,
        seconds(now)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Its seed goes; that it was here stays.
pub(super) async fn remove(tx: &mut Transaction, kid: &str, now: UnixTime) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO removed_keys (kid, public, created_at, activated_at, retired_at, removed_at)
         SELECT kid, public, created_at, activated_at, retired_at, $2 FROM signing_keys
         WHERE kid = $1
         ON CONFLICT (kid) DO NOTHING",
        kid,
        seconds(now)
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!("DELETE FROM signing_keys WHERE kid = $1", kid)
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}

async fn refuse(
    tx: &mut Transaction,
    kid: &str,
    now: UnixTime,
    until: UnixTime,
) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO refused_kids (kid, refused_at, refused_until) VALUES ($1, $2, $3)
         ON CONFLICT (kid) DO UPDATE SET refused_until = excluded.refused_until",
        kid,
        seconds(now),
        seconds(until)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

async fn remove_mac(tx: &mut Transaction, id: u32) -> StoreResult<()> {
    sqlx::query!("DELETE FROM mac_keys WHERE id = $1", i64::from(id))
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}

/// Tells every process that its keys are old, as `draw_roles_version` does for roles.
pub(super) async fn draw_version(tx: &mut Transaction) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE meta SET keys_version =
             (hashtextextended(gen_random_uuid()::text, 0) & 9223372036854775807) | 1
         WHERE id = 1"
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
