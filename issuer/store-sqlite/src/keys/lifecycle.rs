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
use sqlx::SqliteConnection;

use super::{insert_mac_key, insert_secret, insert_signing_key, load, no_keys, reseal, secrets};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{array, seconds, signed, time};

const WRITE: &str = "keys:write";

#[async_trait]
impl KeyLifecycle for SqliteStore {
    async fn keys_version(&self) -> StoreResult<KeysVersion> {
        let mut connection = self.readers.acquire().await.map_err(db)?;
        let meta = sqlx::query!("SELECT incarnation, keys_version FROM meta WHERE id = 1")
            .fetch_one(&mut *connection)
            .await
            .map_err(db)?;
        Ok(KeysVersion {
            incarnation: array(&meta.incarnation.ok_or_else(no_keys)?)?,
            drawn: meta.keys_version,
        })
    }

    async fn key_stock(&self) -> StoreResult<KeyStock> {
        stock(&mut *self.snapshot().await?).await
    }

    async fn change_keys(
        &self,
        context: &Context,
        change: &KeyChange<'_>,
    ) -> Ruled<Plan, KeyChangeError> {
        let mut tx = self.write().await?;
        if self.permitted(&mut tx, context, WRITE).await?.is_err() {
            return tx.leave(Err(KeyChangeError::Forbidden)).await;
        }
        let plan = match change.plan(&stock(&mut tx).await?, context.now) {
            Ok(plan) if plan.is_empty() => return tx.leave(Ok(plan)).await,
            Ok(plan) => plan,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        for step in &plan.steps {
            carry_out(&mut tx, step, context.now).await?;
        }
        draw_version(&mut tx).await?;
        for (action, detail) in &plan.records {
            record(&mut tx, context.event(*action, None, detail.clone())).await?;
        }
        tx.commit().await?;
        Ok(Ok(plan))
    }

    async fn note_token_life(&self, kid: &str, seconds: u64) -> StoreResult<()> {
        let life = signed(seconds);
        let mut tx = self.write().await?;
        let noted = sqlx::query!(
            "UPDATE signing_keys SET token_life = ?1 WHERE kid = ?2 AND token_life < ?1",
            life,
            kid
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if noted.rows_affected() == 0 {
            return tx.leave(()).await;
        }
        draw_version(&mut tx).await?;
        tx.commit().await
    }

    async fn keep_secrets(&self, kept: Vec<SealedSecret>) -> StoreResult<Vec<SealedSecret>> {
        let mut tx = self.write().await?;
        for secret in &kept {
            insert_secret(&mut tx, secret).await?;
        }
        draw_version(&mut tx).await?;
        let secrets = secrets(&mut tx).await?;
        tx.commit().await?;
        Ok(secrets)
    }

    async fn sealed_values(&self) -> StoreResult<BTreeMap<String, u64>> {
        let mut connection = self.readers.acquire().await.map_err(db)?;
        reseal::count(&mut connection).await
    }

    async fn sealed_under(&self, master_key: &str, limit: u32) -> StoreResult<Vec<SealedValue>> {
        reseal::sealed_under(&mut *self.snapshot().await?, master_key, limit).await
    }

    async fn reseal(&self, context: &Context, values: Vec<Resealed>) -> StoreResult<u64> {
        let mut tx = self.write().await?;
        let done = reseal::reseal(&mut tx, context, &values).await?;
        tx.commit().await?;
        Ok(done)
    }
}

async fn stock(connection: &mut SqliteConnection) -> StoreResult<KeyStock> {
    Ok(KeyStock {
        keys: load(connection).await?.ok_or_else(no_keys)?,
        removed: removed(connection).await?,
        refused: refused(connection).await?,
    })
}

async fn removed(connection: &mut SqliteConnection) -> StoreResult<Vec<RemovedKey>> {
    let rows = sqlx::query!(
        "SELECT kid, created_at, activated_at, retired_at, removed_at FROM removed_keys
         ORDER BY removed_at, kid"
    )
    .fetch_all(connection)
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

async fn refused(connection: &mut SqliteConnection) -> StoreResult<Vec<RefusalPeriod>> {
    let rows = sqlx::query!("SELECT kid, refused_at, refused_until FROM refused_kids ORDER BY kid")
        .fetch_all(connection)
        .await
        .map_err(db)?;
    let refused = rows.into_iter().map(|row| RefusalPeriod {
        kid: row.kid,
        refused_at: time(row.refused_at),
        refused_until: time(row.refused_until),
    });
    Ok(refused.collect())
}

async fn carry_out(
    connection: &mut SqliteConnection,
    step: &Step,
    now: UnixTime,
) -> StoreResult<()> {
    match step {
        Step::Retire(kid) => retire(connection, kid, now).await,
        Step::Promote(kid) => promote(connection, kid, now).await,
        Step::Publish(key) => insert_signing_key(connection, key).await,
        Step::Remove(kid) => remove(connection, kid, now).await,
        Step::Refuse(kid, until) => refuse(connection, kid, now, *until).await,
        Step::AddMac(key) => insert_mac_key(connection, key).await,
        Step::RemoveMac(id) => remove_mac(connection, *id).await,
    }
}

async fn retire(connection: &mut SqliteConnection, kid: &str, now: UnixTime) -> StoreResult<()> {
    let now = seconds(now);
    sqlx::query!(
        "UPDATE signing_keys SET state = 'retired', retired_at = ? WHERE kid = ?",
        now,
        kid
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

async fn promote(connection: &mut SqliteConnection, kid: &str, now: UnixTime) -> StoreResult<()> {
    let now = seconds(now);
    sqlx::query!(
        "UPDATE signing_keys SET state = 'active', activated_at = ? WHERE kid = ?",
        now,
        kid
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Its seed goes; that it was here stays.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    kid: &str,
    now: UnixTime,
) -> StoreResult<()> {
    let now = seconds(now);
    sqlx::query!(
        "INSERT INTO removed_keys (kid, public, created_at, activated_at, retired_at, removed_at)
         SELECT kid, public, created_at, activated_at, retired_at, ? FROM signing_keys
         WHERE kid = ?
         ON CONFLICT (kid) DO NOTHING",
        now,
        kid
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    sqlx::query!("DELETE FROM signing_keys WHERE kid = ?", kid)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

async fn refuse(
    connection: &mut SqliteConnection,
    kid: &str,
    now: UnixTime,
    until: UnixTime,
) -> StoreResult<()> {
    let (now, until) = (seconds(now), seconds(until));
    sqlx::query!(
        "INSERT INTO refused_kids (kid, refused_at, refused_until) VALUES (?, ?, ?)
         ON CONFLICT (kid) DO UPDATE SET refused_until = excluded.refused_until",
        kid,
        now,
        until
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

async fn remove_mac(connection: &mut SqliteConnection, id: u32) -> StoreResult<()> {
    let id = i64::from(id);
    sqlx::query!("DELETE FROM mac_keys WHERE id = ?", id)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

/// Tells every process that its keys are old, as `draw_roles_version` does for roles.
pub(super) async fn draw_version(connection: &mut SqliteConnection) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE meta SET keys_version = (random() & 9223372036854775807) | 1 WHERE id = 1"
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
