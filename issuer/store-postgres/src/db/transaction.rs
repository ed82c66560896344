//! The one way to the database: every statement runs inside an explicit transaction of this type.
//!
//! That is what lets a transaction pooler stand between. sqlx sends the parsing of a statement and
//! its execution in two round trips, and a pooler may hand each to another server connection,
//! unless a transaction holds on to one. So nothing here outlives the transaction: no prepared
//! statement (all are unnamed), no setting (`SET LOCAL`), no lock (`pg_advisory_xact_lock`).
//!
//! Every statement has a limit here, and a shorter one at the server. A transaction whose client
//! went silent is ended by the server, with its locks. Dropped between two statements, a
//! transaction is rolled back behind the back of who asked, and its connection is used again;
//! dropped within one, or after an error of the connection, the connection is closed.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use signet_core::audit::Event;
use signet_core::ports::StoreResult;
use sqlx::error::BoxDynError;
use sqlx::postgres::{
    PgArguments, PgConnection, PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres,
};
use sqlx::{AssertSqlSafe, Describe, Either, Error, Execute, Executor, SqlStr};
use tokio::time::timeout;

use super::fault::{db, leaves_connection_sound, timed_out};
use super::pool::{Lease, Pool};
use crate::audit;

/// How long a transaction may take to begin: a round trip, and at a pooler the wait for its turn.
const BEGIN: Duration = Duration::from_secs(2);
/// How long a rollback may take behind the back of who asked.
const ROLLBACK: Duration = Duration::from_secs(1);
/// How much longer than the server this side waits for an answer, in milliseconds.
const ON_THE_WAY: u64 = 500;

/// How long parts of a transaction may take, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A statement, at the server.
    pub(super) statement: u64,
    /// Waiting for a lock.
    pub(super) lock: u64,
    /// Until the server ends a transaction whose client is silent.
    pub(super) silence: u64,
}

/// For all operations.
pub(super) const LIMITS: Limits = Limits {
    statement: 3_500,
    lock: 3_000,
    silence: 5_000,
};

/// For what may change every row there is, and waits for another process that is at it.
pub(super) const PATIENT_LIMITS: Limits = Limits {
    statement: 10 * 60_000,
    lock: 30_000,
    silence: 60_000,
};

/// What a transaction is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    /// Changing something.
    Change,
    /// Reading what there is at one moment.
    Snapshot,
}

impl Access {
    /// Begins and says everything about the transaction in one round trip.
    fn begin(self, limits: Limits) -> String {
        let mode = match self {
            Self::Change => "ISOLATION LEVEL READ COMMITTED, READ WRITE",
            Self::Snapshot => "ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        };
        let Limits {
            statement,
            lock,
            silence,
        } = limits;
        format!(
            "BEGIN {mode}; SET LOCAL search_path = signet, pg_temp; \
             SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; \
             SET LOCAL idle_in_transaction_session_timeout = {silence}"
        )
    }
}

/// A transaction that isn't committed yet.
pub(crate) struct Transaction {
    /// `None` once it is over.
    lease: Option<Lease>,
    state: State,
    patience: Duration,
    trail: Vec<Event>,
}

/// What is known of the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Every statement was answered.
    Sound,
    /// A statement is on its way.
    Asking,
    /// The server refused a statement, and will refuse all others.
    Refused,
    /// Nobody knows.
    Lost,
}

impl Transaction {
    /// Waits for a connection and begins. A connection that died while it was idle is noticed
    /// here, before anything was asked, and another one is taken.
    pub(super) async fn begin(pool: &Pool, access: Access, limits: Limits) -> Result<Self, Error> {
        let begin = access.begin(limits);
        loop {
            let mut lease = pool.lease().await?;
            let ask = sqlx::raw_sql(AssertSqlSafe(begin.as_str())).execute(&mut lease.connection);
            match timeout(BEGIN, ask).await {
                Ok(Ok(_)) => {
                    let patience = limits.statement.saturating_add(ON_THE_WAY);
                    return Ok(Self {
                        lease: Some(lease),
                        state: State::Sound,
                        patience: Duration::from_millis(patience),
                        trail: Vec::new(),
                    });
                }
                _ if lease.is_reused => pool.forget_idle(),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(timed_out("the server didn't answer in time")),
            }
        }
    }

    /// Adds a row to the audit trail when this is committed, behind those before it.
    pub(crate) fn record(&mut self, event: Event) {
        self.trail.push(event);
    }

    /// Writes the rows of the trail and makes everything durable. After an error it may be or not
    /// be: only the server knows.
    pub(crate) async fn commit(mut self) -> StoreResult<()> {
        let trail = std::mem::take(&mut self.trail);
        if !trail.is_empty() {
            audit::append(&mut self, trail).await?;
        }
        self.run("COMMIT").await.map_err(db)?;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
        Ok(())
    }

    /// Undoes everything before it answers. Dropped, it is undone a moment after that, and who looks
    /// at once, and passes over rows that somebody is at, doesn't find those that come back.
    pub(crate) async fn roll_back(self) -> StoreResult<()> {
        self.end().await.map_err(db)
    }

    /// Ends it, with nothing done.
    pub(super) async fn end(mut self) -> Result<(), Error> {
        self.run("ROLLBACK").await?;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
        Ok(())
    }

    /// Runs statements that have no arguments, as the simple protocol does.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Error> {
        let patience = self.patience;
        let asked = timeout(
            patience,
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.ask()?),
        );
        let answer = asked.await;
        self.settle(answer).map(|_| ())
    }

    /// The connection, for one statement.
    fn ask(&mut self) -> Result<&mut PgConnection, Error> {
        match (&mut self.lease, self.state) {
            (Some(lease), State::Sound) => {
                self.state = State::Asking;
                Ok(&mut lease.connection)
            }
            // A server answers COMMIT after an error as if all were well, and rolls back.
            _ => Err(Error::Protocol("the transaction has failed".to_owned())),
        }
    }

    fn settle<T>(
        &mut self,
        answer: Result<Result<T, Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Error> {
        let answer = answer.unwrap_or_else(|_| Err(timed_out("the server didn't answer in time")));
        self.state = match &answer {
            Ok(_) => State::Sound,
            Err(error) if leaves_connection_sound(error) => State::Refused,
            Err(_) => State::Lost,
        };
        answer
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        match self.state {
            State::Sound | State::Refused => {}
            State::Asking | State::Lost => return,
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut lease.connection);
            if let Ok(Ok(_)) = timeout(ROLLBACK, rollback).await {
                lease.give_back();
            }
        });
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A statement that gets no name at the server. The query macros have no other way to say so.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl<'c> Executor<'c> for &'c mut Transaction {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        // No answer is large, and one that is read to its end has one limit.
        let answers = async move {
            let patience = self.patience;
            let answers = self.ask()?.fetch_many(Unnamed(query));
            let answers = timeout(patience, answers.try_collect::<Vec<_>>()).await;
            self.settle(answers)
        };
        stream::once(answers)
            .map_ok(|answers| stream::iter(answers.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let patience = self.patience;
            let row = self.ask()?.fetch_optional(Unnamed(query));
            let row = timeout(patience, row).await;
            self.settle(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        _: SqlStr,
        _: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        let refused = Error::Protocol("no statement is kept at the server".to_owned());
        std::future::ready(Err(refused)).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        async move {
            let patience = self.patience;
            let described = self.ask()?.describe(sql);
            let described = timeout(patience, described).await;
            self.settle(described)
        }
        .boxed()
    }
}
