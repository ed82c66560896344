//! Signing and MAC keys, as sealed as they came.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::{Action, Context};
use signet_core::ports::{KeyStore, StoreError, StoreResult};
use signet_core::signing::{InitialKeys, KeyState, SealedMacKey, SealedSigningKey, StoredKeys};

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{array, corrupt, seconds, small, time};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn load_or_create_keys(
        &self,
        context: &Context,
        initial: InitialKeys,
    ) -> StoreResult<StoredKeys> {
        self.attempt(|| async {
            if let Some(stored) = load(&mut self.snapshot().await?).await? {
                return Ok(stored);
            }
            let mut tx = self.write().await?;
            Lock::Keys.take(&mut tx).await.map_err(db)?;
            if let Some(stored) = load(&mut tx).await? {
                return Ok(stored);
            }
            create(&mut tx, &initial).await?;
            let detail = json!({ "kid": initial.signing.kid });
            tx.record(context.event(Action::KeysCreated, None, detail));
            tx.commit().await?;
            Ok(StoredKeys {
                incarnation: initial.incarnation,
                signing: vec![initial.signing.clone()],
                mac: vec![initial.mac.clone()],
            })
        })
        .await
    }
}

/// `None` only for a store that has never had an incarnation: keys that are missing beside one
/// were taken away, and are not made anew.
pub(crate) async fn load(tx: &mut Transaction) -> StoreResult<Option<StoredKeys>> {
    let incarnation = sqlx::query_scalar!("SELECT incarnation FROM meta WHERE id = 1")
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?
        .ok_or_else(|| StoreError::Corrupt("meta has no row".to_owned()))?;
    let Some(incarnation) = incarnation else {
        return Ok(None);
    };
    let signing = sqlx::query!(
        r#"SELECT kid, public, sealed, master_key, state, created_at FROM signing_keys
           ORDER BY created_at, kid COLLATE "C""#
    )
    .fetch_all(&mut *tx)
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
            .fetch_all(tx)
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
pub(crate) async fn replace(tx: &mut Transaction, keys: &InitialKeys) -> StoreResult<()> {
    sqlx::query!("DELETE FROM signing_keys")
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM mac_keys")
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    create(tx, keys).await
}

async fn create(tx: &mut Transaction, initial: &InitialKeys) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE meta SET incarnation = $1 WHERE id = 1",
        initial.incarnation.as_slice()
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let key = &initial.signing;
    sqlx::query!(
        "INSERT INTO signing_keys (kid, public, sealed, master_key, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        key.kid,
        key.public.as_slice(),
        key.sealed,
        key.master_key,
        key.state.as_str(),
        seconds(key.created_at)
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let key = &initial.mac;
    sqlx::query!(
        "INSERT INTO mac_keys (id, sealed, master_key, created_at) VALUES ($1, $2, $3, $4)",
        i64::from(key.id),
        key.sealed,
        key.master_key,
        seconds(key.created_at)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
