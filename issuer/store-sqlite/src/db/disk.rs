//! What the writer asks of whatever keeps the file: few things, so that a test can stand in for it and
//! try every order in which they may happen.

use std::future::Future;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Error, SqliteConnection};

use super::wal::Wal;

/// Where the writer's statements go.
pub(super) trait Disk: Send + Sync + 'static {
    /// What operations write with.
    type Connection: Send + 'static;

    /// Another connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Runs statements without parameters or answers.
    fn execute(
        &self,
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Tidies up between two groups.
    fn tend(&mut self, connection: &mut Self::Connection) -> impl Future<Output = ()> + Send;

    /// Ends the connection, as well as it can be.
    fn close(&mut self, connection: Self::Connection) -> impl Future<Output = ()> + Send;
}

/// A file of SQLite.
pub(super) struct File {
    /// How it is opened.
    pub(super) options: SqliteConnectOptions,
    /// The log beside it.
    pub(super) wal: Wal,
}

impl Disk for File {
    type Connection = SqliteConnection;

    async fn connect(&self) -> Result<SqliteConnection, Error> {
        self.options.connect().await
    }

    async fn execute(
        &self,
        connection: &mut SqliteConnection,
        sql: &'static str,
    ) -> Result<(), Error> {
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    }

    async fn tend(&mut self, connection: &mut SqliteConnection) {
        self.wal.tend(connection).await;
    }

    async fn close(&mut self, connection: SqliteConnection) {
        self.wal.finish_copying().await;
        let _whatever_it_says = connection.close().await;
    }
}
