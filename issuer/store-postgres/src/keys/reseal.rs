//! What is sealed under which master key, and putting it under another.

use std::collections::BTreeMap;

use serde_json::json;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::signing::reseal::{Resealed, SealedValue};
use signet_core::signing::seal::Sealed;
use uuid::Uuid;

use super::lifecycle::draw_version;
use crate::db::{Transaction, db};
use crate::rows::{corrupt, unsigned};

pub(super) async fn count(tx: &mut Transaction) -> StoreResult<BTreeMap<String, u64>> {
    let rows = sqlx::query!(
        r#"SELECT master_key AS "master_key!", count(*) AS "count!" FROM (
               SELECT master_key FROM signing_keys UNION ALL SELECT master_key FROM mac_keys
               UNION ALL SELECT master_key FROM secrets UNION ALL SELECT master_key FROM outbox
           ) AS sealed GROUP BY master_key"#
    )
    .fetch_all(tx)
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| Ok((row.master_key, unsigned(row.count)?)))
        .collect()
}

pub(super) async fn sealed_under(
    tx: &mut Transaction,
    master_key: &str,
    limit: u32,
) -> StoreResult<Vec<SealedValue>> {
    let rows = sqlx::query!(
        r#"SELECT what AS "what!", name AS "name!", sealed AS "sealed!" FROM (
               SELECT 1 AS what, kid AS name, sealed, master_key FROM signing_keys
               UNION ALL SELECT 2, id::text, sealed, master_key FROM mac_keys
               UNION ALL SELECT 3, name, sealed, master_key FROM secrets
               UNION ALL SELECT 4, id::text, sealed, master_key FROM outbox
           ) AS sealed WHERE master_key = $1 ORDER BY what, name COLLATE "C" LIMIT $2"#,
        master_key,
        i64::from(limit)
    )
    .fetch_all(tx)
    .await
    .map_err(db)?;
    let value = |what: i32, name, sealed| {
        let what = match what {
            1 => Sealed::SigningKey,
            2 => Sealed::MacKey,
            3 => Sealed::Secret,
            4 => Sealed::Mail,
            other => return Err(corrupt("what", &other.to_string())),
        };
        Ok(SealedValue {
            what,
            name,
            master_key: master_key.to_owned(),
            sealed,
        })
    };
    rows.into_iter()
        .map(|row| value(row.what, row.name, row.sealed))
        .collect()
}

/// Only what is still as it was read is replaced.
pub(super) async fn reseal(
    tx: &mut Transaction,
    context: &Context,
    values: &[Resealed],
) -> StoreResult<u64> {
    let (mut keys, mut mail): (u64, u64) = (0, 0);
    for value in values {
        let done = replace(tx, value).await?;
        let count = match value.before.what {
            Sealed::SigningKey | Sealed::MacKey | Sealed::Secret => &mut keys,
            Sealed::Mail => &mut mail,
        };
        *count = count.saturating_add(done);
    }
    if keys > 0 {
        draw_version(tx).await?;
    }
    let all = keys.saturating_add(mail);
    if let Some(value) = values.first().filter(|_| all > 0) {
        let detail = json!({
            "master_key": value.after.master_key,
            "before": value.before.master_key,
            "keys": keys,
            "mail": mail,
        });
        tx.record(context.event(Action::KeysResealed, None, detail));
    }
    Ok(all)
}

async fn replace(tx: &mut Transaction, value: &Resealed) -> StoreResult<u64> {
    let Resealed { before, after } = value;
    let replacing = match before.what {
        Sealed::SigningKey => sqlx::query!(
            "UPDATE signing_keys SET sealed = $3, master_key = $4 WHERE kid = $1 AND sealed = $2",
            before.name,
            before.sealed,
            after.sealed,
            after.master_key
        )
        .execute(tx)
        .await,
        Sealed::MacKey => {
            let id: i64 = before
                .name
                .parse()
                .map_err(|_| corrupt("mac_keys.id", &before.name))?;
            sqlx::query!(
                "UPDATE mac_keys SET sealed = $3, master_key = $4 WHERE id = $1 AND sealed = $2",
                id,
                before.sealed,
                after.sealed,
                after.master_key
            )
            .execute(tx)
            .await
        }
        Sealed::Secret => {
            sqlx::query!(
                "UPDATE secrets SET sealed = $3, master_key = $4 WHERE name = $1 AND sealed = $2",
                before.name,
                before.sealed,
                after.sealed,
                after.master_key
            )
            .execute(tx)
            .await
        }
        Sealed::Mail => {
            let id =
                Uuid::try_parse(&before.name).map_err(|_| corrupt("outbox.id", &before.name))?;
            sqlx::query!(
                "UPDATE outbox SET sealed = $3, master_key = $4 WHERE id = $1 AND sealed = $2",
                id,
                before.sealed,
                after.sealed,
                after.master_key
            )
            .execute(tx)
            .await
        }
    };
    Ok(replacing.map_err(db)?.rows_affected())
}
