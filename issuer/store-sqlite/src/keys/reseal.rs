//! What is sealed under which master key, and putting it under another.

use std::collections::BTreeMap;

use serde_json::json;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::signing::reseal::{Resealed, SealedValue};
use signet_core::signing::seal::Sealed;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::lifecycle::draw_version;
use crate::audit::record;
use crate::db::db;
use crate::rows::{corrupt, unsigned, uuid};

pub(super) async fn count(connection: &mut SqliteConnection) -> StoreResult<BTreeMap<String, u64>> {
    let rows = sqlx::query!(
        r#"SELECT master_key AS "master_key!: String", count(*) AS "count!: i64" FROM (
               SELECT master_key FROM signing_keys UNION ALL SELECT master_key FROM mac_keys
               UNION ALL SELECT master_key FROM secrets UNION ALL SELECT master_key FROM outbox
           ) GROUP BY master_key"#
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| Ok((row.master_key, unsigned(row.count)?)))
        .collect()
}

pub(super) async fn sealed_under(
    connection: &mut SqliteConnection,
    master_key: &str,
    limit: u32,
) -> StoreResult<Vec<SealedValue>> {
    let limit = i64::from(limit);
    let keys = sqlx::query!(
        r#"SELECT what AS "what!: i64", name AS "name!: String", sealed AS "sealed!: Vec<u8>" FROM (
               SELECT 1 AS what, kid AS name, sealed, master_key FROM signing_keys
               UNION ALL SELECT 2, CAST(id AS TEXT), sealed, master_key FROM mac_keys
               UNION ALL SELECT 3, name, sealed, master_key FROM secrets
           ) WHERE master_key = ? ORDER BY what, name LIMIT ?"#,
        master_key,
        limit
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(db)?;
    let mail = sqlx::query!(
        "SELECT id, sealed FROM outbox WHERE master_key = ? ORDER BY id LIMIT ?",
        master_key,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    let value = |what, name, sealed| SealedValue {
        what,
        name,
        master_key: master_key.to_owned(),
        sealed,
    };
    let keys = keys.into_iter().map(|row| {
        let what = match row.what {
            1 => Sealed::SigningKey,
            2 => Sealed::MacKey,
            3 => Sealed::Secret,
            other => return Err(corrupt("what", &other.to_string())),
        };
        Ok(value(what, row.name, row.sealed))
    });
    let mut values: Vec<SealedValue> = keys.collect::<StoreResult<_>>()?;
    for row in mail {
        let id = uuid(&row.id)?;
        values.push(value(Sealed::Mail, id.to_string(), row.sealed));
    }
    values.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(values)
}

/// Only what is still as it was read is replaced.
pub(super) async fn reseal(
    connection: &mut SqliteConnection,
    context: &Context,
    values: &[Resealed],
) -> StoreResult<u64> {
    let (mut keys, mut mail): (u64, u64) = (0, 0);
    for value in values {
        let done = replace(connection, value).await?;
        let count = match value.before.what {
            Sealed::SigningKey | Sealed::MacKey | Sealed::Secret => &mut keys,
            Sealed::Mail => &mut mail,
        };
        *count = count.saturating_add(done);
    }
    if keys > 0 {
        draw_version(connection).await?;
    }
    let all = keys.saturating_add(mail);
    if let Some(value) = values.first().filter(|_| all > 0) {
        let detail = json!({
            "master_key": value.after.master_key,
            "before": value.before.master_key,
            "keys": keys,
            "mail": mail,
        });
        record(
            connection,
            context.event(Action::KeysResealed, None, detail),
        )
        .await?;
    }
    Ok(all)
}

async fn replace(connection: &mut SqliteConnection, value: &Resealed) -> StoreResult<u64> {
    let Resealed { before, after } = value;
    let replacing =
        match before.what {
            Sealed::SigningKey => sqlx::query!(
                "UPDATE signing_keys SET sealed = ?, master_key = ? WHERE kid = ? AND sealed = ?",
                after.sealed,
                after.master_key,
                before.name,
                before.sealed
            )
            .execute(connection)
            .await,
            Sealed::MacKey => {
                let id: i64 = before
                    .name
                    .parse()
                    .map_err(|_| corrupt("mac_keys.id", &before.name))?;
                sqlx::query!(
                    "UPDATE mac_keys SET sealed = ?, master_key = ? WHERE id = ? AND sealed = ?",
                    after.sealed,
                    after.master_key,
                    id,
                    before.sealed
                )
                .execute(connection)
                .await
            }
            Sealed::Secret => {
                sqlx::query!(
                    "UPDATE secrets SET sealed = ?, master_key = ? WHERE name = ? AND sealed = ?",
                    after.sealed,
                    after.master_key,
                    before.name,
                    before.sealed
                )
                .execute(connection)
                .await
            }
            Sealed::Mail => {
                let id = Uuid::try_parse(&before.name)
                    .map_err(|_| corrupt("outbox.id", &before.name))?;
                let id = id.as_bytes().as_slice();
                sqlx::query!(
                    "UPDATE outbox SET sealed = ?, master_key = ? WHERE id = ? AND sealed = ?",
                    after.sealed,
                    after.master_key,
                    id,
                    before.sealed
                )
                .execute(connection)
                .await
            }
        };
    Ok(replacing.map_err(db)?.rows_affected())
}
