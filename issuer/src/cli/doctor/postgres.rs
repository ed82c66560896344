//! A database on a server.

use std::time::Duration;

use signet_store_postgres::{Address, Condition, PostgresStore};

use super::clock;
use super::report::Report;

const SUBJECT: &str = "database";
/// A refresh takes eight round trips: more than this makes it slow.
const SLOW: Duration = Duration::from_millis(10);

pub(super) async fn examine(address: &Address, report: &mut Report) {
    match PostgresStore::condition(address).await {
        Ok(condition) => {
            tell(address, &condition, report);
            tell_rights(&condition, report);
            clock::beside(condition.now, report);
            if let Some(last) = condition.latest_recorded {
                clock::after(last, report);
            }
        }
        Err(error) => report.stops(SUBJECT, &error),
    }
}

fn tell(address: &Address, condition: &Condition, report: &mut Report) {
    let version = &condition.version;
    report.ok(SUBJECT, format!("PostgreSQL {version} at {address}"));
    if condition.is_standby {
        report.fail(
            SUBJECT,
            "the server is a standby, which writes nothing",
            "set database_url to its primary, or promote it",
        );
    }
    for risk in &condition.risks {
        report.warn(
            SUBJECT,
            format!(
                "{risk}: a crash of the server loses what was committed, and an ended session \
                     may be back"
            ),
            "turn it on, for this database at least: ALTER DATABASE … SET, or postgresql.conf",
        );
    }
    tell_way(address, condition, report);
    match condition.is_pooled {
        true => report.ok(
            SUBJECT,
            "a transaction pooler stands between, which is fine",
        ),
        false => tell_connections(condition, report),
    }
    let milliseconds = condition.round_trip.as_secs_f64() * 1_000.0;
    let said = format!("a question and its answer take {milliseconds:.1} ms");
    match condition.round_trip > SLOW {
        true => report.warn(
            SUBJECT,
            format!("{said}, and a refresh takes eight"),
            "run the issuer near its database",
        ),
        false => report.ok(SUBJECT, said),
    }
}

/// Who can listen on the way there.
fn tell_way(address: &Address, condition: &Condition, report: &mut Report) {
    if address.is_encrypted() {
        let version = condition.tls.as_deref().filter(|_| !condition.is_pooled);
        let version = version.unwrap_or("TLS");
        report.ok(
            SUBJECT,
            format!("{version}, and the certificate is checked"),
        );
    } else if address.is_local() {
        report.ok(SUBJECT, "not encrypted, and on this machine");
    } else {
        report.warn(
            SUBJECT,
            "not encrypted: whoever listens between here and there reads everything",
            "take sslmode=disable out of database_url; sslrootcert names the authority",
        );
    }
}

/// A pooler's connections are its own to count.
fn tell_connections(condition: &Condition, report: &mut Report) {
    let (left, size) = (condition.connections_left, condition.pool_size);
    if left < i64::from(size) {
        report.warn(
            SUBJECT,
            format!("the server takes {left} connections more, and an issuer makes up to {size}"),
            "raise max_connections, put a pooler between, or set pool_size in database_url",
        );
    }
}

fn tell_rights(condition: &Condition, report: &mut Report) {
    if !condition.missing_rights.is_empty() {
        report.fail(
            SUBJECT,
            format!("the role lacks {}", condition.missing_rights.join(", ")),
            "as the owner of the database: GRANT them, or make the role the owner of the schema \
             signet and its tables",
        );
    } else if !condition.foreign_tables.is_empty() {
        report.warn(
            SUBJECT,
            format!(
                "the role doesn't own {}, so that it can't migrate",
                condition.foreign_tables.join(", ")
            ),
            "give it their owner's role, or run `signet db migrate` as that role before a new \
             release",
        );
    } else {
        report.ok(SUBJECT, "the role has the rights it needs");
    }
}
