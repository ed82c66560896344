//! What is held about a person, table by table.

use signet_core::account::AccountId;
use signet_core::account::export::{Held, HeldMail, HeldRegistration, HeldSession, HeldToken};
use signet_core::email::EmailAddress;
use signet_core::limit::GuessKey;
use signet_core::ports::StoreResult;
use signet_core::session::Session;
use sqlx::SqliteConnection;

use crate::accounts::{find, password};
use crate::audit;
use crate::db::db;
use crate::rows::{SessionRow, small, time, unsigned};

/// All of it, in the transaction's one moment.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    id: AccountId,
    guesses: &(dyn for<'a> Fn(&'a EmailAddress) -> GuessKey + Send + Sync),
) -> StoreResult<Option<Held>> {
    let account = find(connection, id).await?;
    let Some((account, password)) = account.zip(password(connection, id).await?) else {
        return Ok(None);
    };
    let address = account.email.canonical();
    Ok(Some(Held {
        sessions: sessions(connection, id).await?,
        registrations: registrations(connection, address).await?,
        mailed_tokens: mailed_tokens(connection, id).await?,
        mail: mail(connection, id).await?,
        failed_guesses: failed_guesses(connection, &guesses(&account.email)).await?,
        trail: audit::rows_about(connection, id).await?,
        account,
        password,
    }))
}

async fn sessions(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<Vec<HeldSession>> {
    let account = account.0.as_bytes().as_slice();
    let rows = sqlx::query!(
        "SELECT id, generation, detached, created_at, advanced_at, authenticated_at, ended_at,
                audience, client, user_agent, ip, repeats, repeated_at
         FROM sessions WHERE account_id = ? ORDER BY created_at, id",
        account
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| {
            let refreshes = small(row.generation)?;
            Ok(HeldSession {
                session: Session::try_from(SessionRow {
                    id: row.id,
                    created_at: row.created_at,
                    advanced_at: row.advanced_at,
                    user_agent: row.user_agent,
                    ip: row.ip,
                    repeats: row.repeats,
                    repeated_at: row.repeated_at,
                })?,
                refreshes: (row.detached == 0).then_some(refreshes),
                authenticated_at: time(row.authenticated_at),
                ended_at: row.ended_at.map(time),
                audience: row.audience,
                client: row.client,
            })
        })
        .collect()
}

async fn registrations(
    connection: &mut SqliteConnection,
    address: &str,
) -> StoreResult<Vec<HeldRegistration>> {
    let rows = sqlx::query!(
        "SELECT email_original, name, created_at, expires_at
         FROM registrations WHERE email_canonical = ? ORDER BY number",
        address
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    let held = rows.into_iter().map(|row| HeldRegistration {
        email: row.email_original,
        name: row.name,
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
    });
    Ok(held.collect())
}

async fn mailed_tokens(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> StoreResult<Vec<HeldToken>> {
    let account = account.0.as_bytes().as_slice();
    let rows = sqlx::query!(
        "SELECT purpose, leads_to_original, expires_at FROM mailed_tokens WHERE account_id = ?
         ORDER BY expires_at, purpose",
        account
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    let held = rows.into_iter().map(|row| HeldToken {
        purpose: row.purpose,
        leads_to: row.leads_to_original,
        expires_at: time(row.expires_at),
    });
    Ok(held.collect())
}

async fn mail(connection: &mut SqliteConnection, account: AccountId) -> StoreResult<Vec<HeldMail>> {
    let account = account.0.as_bytes().as_slice();
    let rows = sqlx::query!(
        "SELECT kind, created_at, due_at, expires_at, attempts, abandoned_at, last_error
         FROM outbox WHERE account_id = ? ORDER BY created_at, id",
        account
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| {
            Ok(HeldMail {
                kind: row.kind,
                created_at: time(row.created_at),
                due_at: time(row.due_at),
                expires_at: row.expires_at.map(time),
                attempts: small(row.attempts)?,
                abandoned_at: row.abandoned_at.map(time),
                last_error: row.last_error,
            })
        })
        .collect()
}

async fn failed_guesses(connection: &mut SqliteConnection, key: &GuessKey) -> StoreResult<u64> {
    let key = key.as_bytes().as_slice();
    let count = sqlx::query_scalar!("SELECT count(*) FROM guesses WHERE key = ?", key);
    unsigned(count.fetch_one(connection).await.map_err(db)?)
}
