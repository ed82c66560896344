//! Signing and MAC keys, as sealed as they came.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::{Action, Context};
use signet_core::ports::{KeyStore, StoreError, StoreResult};
use signet_core::signing::{InitialKeys, KeyState, SealedMacKey, SealedSigningKey, StoredKeys};
use sqlx::SqliteConnection;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{array, corrupt, seconds, small, time};

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
        tx.commit().await?;
        Ok(StoredKeys {
            incarnation: initial.incarnation,
            signing: vec![initial.signing],
            mac: vec![initial.mac],
        })
    }
}

/// `None` only for a store that has never had an incarnation: keys that are missing beside one
/// were taken away, and are not made anew.
pub(crate) async fn load(connection: &mut SqliteConnection) -> StoreResult<Option<StoredKeys>> {
    let incarnation = sqlx::query_scalar!("SELECT incarnation FROM meta WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(db)?
        .ok_or_else(|| StoreError::Corrupt("meta has no row".to_owned()))?;
    let Some(incarnation) = incarnation else {
        return Ok(None);
    };
    let signing = sqlx::query!(
        "SELECT kid, public, sealed, master_key, state, created_at FROM signing_keys
         ORDER BY created_at, kid"
    )
    .fetch_all(&mut *connection)
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
        })
    })
    .collect::<StoreResult<Vec<_>>>()?;
    let mac =
        sqlx::query!("SELECT id, sealed, master_key, created_at FROM mac_keys ORDER BY id DESC")
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
                })
            })
            .collect::<StoreResult<Vec<_>>>()?;
    Ok(Some(StoredKeys {
        incarnation: array(&incarnation)?,
        signing,
        mac,
    }))
}

/// Puts keys and an incarnation in the place of those that are there.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    keys: &InitialKeys,
) -> StoreResult<()> {
    sqlx::query!("DELETE FROM signing_keys")
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM mac_keys")
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
    let key = &initial.signing;
    let (public, state, created_at) = (
        key.public.as_slice(),
        key.state.as_str(),
        seconds(key.created_at),
    );
    sqlx::query!(
        "INSERT INTO signing_keys (kid, public, sealed, master_key, state, created_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        key.kid,
        public,
        key.sealed,
        key.master_key,
        state,
        created_at
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    let key = &initial.mac;
    let (id, created_at) = (i64::from(key.id), seconds(key.created_at));
    sqlx::query!(
        "INSERT INTO mac_keys (id, sealed, master_key, created_at) VALUES (?, ?, ?, ?)",
        id,
        key.sealed,
        key.master_key,
        created_at
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
