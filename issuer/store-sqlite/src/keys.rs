//! Signing and MAC keys, as sealed as they came. What becomes of them is in [`lifecycle`], and a new
//! master key in [`reseal`].

mod lifecycle;
mod reseal;

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::{Action, Context};
use signet_core::ports::{KeyStore, StoreError, StoreResult};
use signet_core::signing::life::REFUSED;
use signet_core::signing::{
    InitialKeys, KeyState, SealedMacKey, SealedSecret, SealedSigningKey, StoredKeys,
};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{array, corrupt, seconds, small, time, unsigned};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn load_or_create_keys(
        &self,
        context: &Context,
        initial: InitialKeys,
    ) -> StoreResult<StoredKeys> {
        if let Some(stored) = load(&mut *self.snapshot().await?).await? {
            return Ok(stored);
        }
        let mut tx = self.write().await?;
        if let Some(stored) = load(&mut tx).await? {
            return tx.leave(stored).await;
        }
        create(&mut tx, &initial).await?;
        let detail = json!({ "kid": initial.signing.kid });
        let event = context.event(Action::KeysCreated, None, detail);
        record(&mut tx, event).await?;
        let stored = load(&mut tx).await?.ok_or_else(no_keys)?;
        tx.commit().await?;
        Ok(stored)
    }
}

fn no_keys() -> StoreError {
    StoreError::Corrupt("the store has no keys".to_owned())
}

/// `None` only for a store that has never had an incarnation: keys that are missing beside one
/// were taken away, and are not made anew.
pub(crate) async fn load(connection: &mut SqliteConnection) -> StoreResult<Option<StoredKeys>> {
    let meta = sqlx::query!("SELECT incarnation, keys_version FROM meta WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(db)?
        .ok_or_else(|| StoreError::Corrupt("meta has no row".to_owned()))?;
    let Some(incarnation) = meta.incarnation else {
        return Ok(None);
    };
    Ok(Some(StoredKeys {
        incarnation: array(&incarnation)?,
        version: meta.keys_version,
        signing: signing_keys(connection).await?,
        mac: mac_keys(connection).await?,
        secrets: secrets(connection).await?,
    }))
}

async fn signing_keys(connection: &mut SqliteConnection) -> StoreResult<Vec<SealedSigningKey>> {
    sqlx::query!(
        "SELECT kid, public, sealed, master_key, state, created_at, activated_at, retired_at,
                token_life
         FROM signing_keys ORDER BY created_at, kid"
    )
    .fetch_all(connection)
    .await
    .map_err(db)?
    .into_iter()
    .map(|row| {
        Ok(SealedSigningKey {
            public: array(&row.public)?,
            state: KeyState::parse(&row.state)
                .ok_or_else(|| corrupt("signing_keys.state", &row.state))?,
            kid: row.kid,
            sealed: row.sealed,
            master_key: row.master_key,
            created_at: time(row.created_at),
            activated_at: row.activated_at.map(time),
            retired_at: row.retired_at.map(time),
            token_life: unsigned(row.token_life)?,
        })
    })
    .collect()
}

async fn mac_keys(connection: &mut SqliteConnection) -> StoreResult<Vec<SealedMacKey>> {
    sqlx::query!(
        "SELECT id, sealed, master_key, created_at, signs_from FROM mac_keys ORDER BY id DESC"
    )
    .fetch_all(connection)
    .await
    .map_err(db)?
    .into_iter()
    .map(|row| {
        Ok(SealedMacKey {
            id: small(row.id)?,
            sealed: row.sealed,
            master_key: row.master_key,
            created_at: time(row.created_at),
            signs_from: time(row.signs_from.unwrap_or(row.created_at)),
        })
    })
    .collect()
}

async fn secrets(connection: &mut SqliteConnection) -> StoreResult<Vec<SealedSecret>> {
    sqlx::query_as!(
        SealedSecret,
        "SELECT name, sealed, master_key FROM secrets ORDER BY name"
    )
    .fetch_all(connection)
    .await
    .map_err(db)
}

/// Puts keys, secrets and an incarnation in the place of those that are there. The signing keys that
/// were go the way of revoked ones.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    keys: &InitialKeys,
    now: UnixTime,
) -> StoreResult<()> {
    let (refused_at, refused_until) = (seconds(now), seconds(now.saturating_add(REFUSED)));
    sqlx::query!(
        "INSERT INTO refused_kids (kid, refused_at, refused_until)
         SELECT kid, ?, ? FROM signing_keys WHERE true
         ON CONFLICT (kid) DO UPDATE SET refused_until = excluded.refused_until",
        refused_at,
        refused_until
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    for kid in sqlx::query_scalar!("SELECT kid FROM signing_keys")
        .fetch_all(&mut *connection)
        .await
        .map_err(db)?
    {
        lifecycle::remove(connection, &kid, now).await?;
    }
    sqlx::query!("DELETE FROM mac_keys")
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM secrets")
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    create(connection, keys).await
}

async fn create(connection: &mut SqliteConnection, initial: &InitialKeys) -> StoreResult<()> {
    let incarnation = initial.incarnation.as_slice();
    sqlx::query!("UPDATE meta SET incarnation = ? WHERE id = 1", incarnation)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    insert_signing_key(connection, &initial.signing).await?;
    insert_mac_key(connection, &initial.mac).await?;
    for secret in &initial.secrets {
        insert_secret(connection, secret).await?;
    }
    lifecycle::draw_version(connection).await
}

async fn insert_signing_key(
    connection: &mut SqliteConnection,
    key: &SealedSigningKey,
) -> StoreResult<()> {
    let (public, state) = (key.public.as_slice(), key.state.as_str());
    let created_at = seconds(key.created_at);
    let (activated_at, retired_at) = (key.activated_at.map(seconds), key.retired_at.map(seconds));
    sqlx::query!(
        "INSERT INTO signing_keys
             (kid, public, sealed, master_key, state, created_at, activated_at, retired_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        key.kid,
        public,
        key.sealed,
        key.master_key,
        state,
        created_at,
        activated_at,
        retired_at
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

async fn insert_mac_key(connection: &mut SqliteConnection, key: &SealedMacKey) -> StoreResult<()> {
    let id = i64::from(key.id);
    let (created_at, signs_from) = (seconds(key.created_at), seconds(key.signs_from));
    sqlx::query!(
        "INSERT INTO mac_keys (id, sealed, master_key, created_at, signs_from)
         VALUES (?, ?, ?, ?, ?)",
        id,
        key.sealed,
        key.master_key,
        created_at,
        signs_from
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Nothing, where there is one of its name.
async fn insert_secret(
    connection: &mut SqliteConnection,
    secret: &SealedSecret,
) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO secrets (name, sealed, master_key) VALUES (?, ?, ?)
         ON CONFLICT (name) DO NOTHING",
        secret.name,
        secret.sealed,
        secret.master_key
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
