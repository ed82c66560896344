//! The stores in process: refresh tokens rotated, each of them on the disk before it is answered.
//!
//! Every client rotates the sessions of its share, one after the other, among [`SESSIONS`]. Beside
//! it stands what this disk takes for one `fdatasync`, without which no figure means anything.
//! Servers run beside the benchmark, on the same disk, with the settings they come with, and each
//! client's round trips are part of its figures. To add a store, add a [`Subject`].

use std::any::Any;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signet_core::account::Account;
use signet_core::mail::{MailKind, NewMail};
use signet_core::ports::Rotation;
use signet_core::session::Head;
use signet_core::testing::World;
use signet_core::testing::world::{NOW, POLICY, anonymous, letter, presented};
use signet_store_postgres::PostgresStore;
use signet_store_redis::{RedisClient, RedisHeads};
use signet_store_sqlite::{Grouping, SqliteStore};
use signet_testbed::{PgBouncer, Pooling, Redis, postgres};

use crate::load::Load;
use crate::machine::{self, resident};
use crate::report::{Report, Target};

/// How many sessions there are to rotate: enough that those of a group stand on many pages.
const SESSIONS: usize = 2_048;
const SESSIONS_OF_AN_ACCOUNT: usize = 16;
/// How many make the sessions, at once: few enough for a store that does one after the other.
const FILLERS: usize = 32;
const CLIENTS: [usize; 3] = [1, 8, 64];
const TIME: Duration = Duration::from_secs(4);

type Opened = Pin<Box<dyn Future<Output = Kept>>>;

/// A store, and the servers that it needs.
struct Kept {
    world: World,
    servers: Box<dyn Any>,
}

/// A way to keep sessions.
struct Subject {
    name: &'static str,
    open: fn(PathBuf) -> Opened,
    /// The least rotations in a second at the most clients.
    target: Target,
}

const SUBJECTS: [Subject; 6] = [
    Subject {
        name: "SQLite, an fsync for each",
        open: |folder| Box::pin(sqlite(folder, alone())),
        target: Target::None,
    },
    Subject {
        name: "SQLite, in groups",
        open: |folder| Box::pin(sqlite(folder, Grouping::default())),
        target: Target::AtLeast(5_000.0),
    },
    Subject {
        name: "PostgreSQL",
        open: |_| Box::pin(on_postgres()),
        target: Target::None,
    },
    Subject {
        name: "PostgreSQL through PgBouncer",
        open: |_| Box::pin(through_pgbouncer()),
        target: Target::None,
    },
    Subject {
        name: "Redis, rows in SQLite",
        open: |folder| {
            Box::pin(async { heads_on_redis(sqlite(folder, Grouping::default()).await).await })
        },
        target: Target::None,
    },
    Subject {
        name: "Redis, rows on PostgreSQL",
        open: |_| Box::pin(async { heads_on_redis(on_postgres().await).await }),
        target: Target::None,
    },
];

async fn sqlite(folder: PathBuf, grouping: Grouping) -> Kept {
    let path = folder.join("signet.db");
    let store = SqliteStore::open_grouping(&path, grouping).await.unwrap();
    Kept {
        world: World::new(Arc::new(store)),
        servers: Box::new(()),
    }
}

async fn on_postgres() -> Kept {
    let database = postgres().database();
    let store = PostgresStore::open(&database.url().parse().unwrap()).await;
    Kept {
        world: World::new(Arc::new(store.unwrap())),
        servers: Box::new(database),
    }
}

async fn through_pgbouncer() -> Kept {
    let pooling = Pooling {
        connections: 20,
        ..Pooling::default()
    };
    let (database, pooler) = (postgres().database(), PgBouncer::start(postgres(), pooling));
    let url = database.url_through(pooler.port(), pooling.role);
    let store = PostgresStore::open(&url.parse().unwrap()).await;
    Kept {
        world: World::new(Arc::new(store.unwrap())),
        servers: Box::new((database, pooler)),
    }
}

/// A Redis that writes each change to the disk before it answers, as it doesn't unless it is told to.
async fn heads_on_redis(rows: Kept) -> Kept {
    let server = Redis::start_with("appendonly yes\nappendfsync always\n");
    let client = RedisClient::open(&server.url().parse().unwrap()).await;
    let heads = RedisHeads::open(client.unwrap()).await.unwrap();
    Kept {
        world: World::detached(rows.world.store, Arc::new(heads)),
        servers: Box::new((rows.servers, server)),
    }
}

fn alone() -> Grouping {
    Grouping {
        operations: 1,
        ..Grouping::default()
    }
}

pub(crate) fn run(report: &mut Report) {
    report.heading("Stores, in process: durable rotations");
    let folder = tempfile::tempdir().unwrap();
    machine::describe_disk(report, folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut most = Vec::new();
    for subject in SUBJECTS {
        most.push(runtime.block_on(measure(report, &subject)));
    }
    if let [alone, grouped, ..] = most.as_slice() {
        let name = "SQLite, in groups against alone, 64 clients";
        report.figure(name, grouped / alone, "times", Target::AtLeast(10.0));
    }
}

/// The rate at the most clients.
async fn measure(report: &mut Report, subject: &Subject) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let kept = (subject.open)(folder.path().to_owned()).await;
    let world = &kept.world;
    let mut heads = fill(world).await;
    let mut rate = 0.0;
    for clients in CLIENTS {
        let load;
        (load, heads) = rotate(world, heads, clients).await;
        let name = |what: &str| format!("{}, {clients} clients, {what}", subject.name);
        let target = if Some(&clients) == CLIENTS.last() {
            subject.target
        } else {
            Target::None
        };
        report.figure(&name("per second"), load.per_second, "", target);
        report.figure(&name("p50"), load.p50, "ms", Target::None);
        report.figure(&name("p99"), load.p99, "ms", Target::None);
        rate = load.per_second;
    }
    let name = format!("{}, resident memory of all this", subject.name);
    report.figure(&name, resident("self"), "MiB", Target::None);
    rate
}

/// Accounts with sessions.
async fn fill(world: &World) -> Vec<Head> {
    let fillers: Vec<_> = (0..FILLERS)
        .map(|filler| tokio::spawn(fill_in(world.clone(), filler)))
        .collect();
    let mut heads = Vec::new();
    for filler in fillers {
        heads.extend(filler.await.unwrap());
    }
    heads
}

async fn fill_in(world: World, filler: usize) -> Vec<Head> {
    let mut heads = Vec::new();
    for number in (filler..SESSIONS / SESSIONS_OF_AN_ACCOUNT).step_by(FILLERS) {
        let name = format!("person{number}");
        let account = world.account(&name, &[]).await.id;
        for _ in 0..SESSIONS_OF_AN_ACCOUNT {
            heads.push(world.session(&name, account, NOW).await);
        }
    }
    heads
}

/// Rotates for [`TIME`]; also answers the heads there are then.
async fn rotate(world: &World, heads: Vec<Head>, clients: usize) -> (Load, Vec<Head>) {
    let mut shares = vec![Vec::new(); clients];
    for (number, head) in heads.into_iter().enumerate() {
        shares[number % clients].push(head);
    }
    let started = Instant::now();
    let tasks: Vec<_> = shares
        .into_iter()
        .map(|share| tokio::spawn(client(world.clone(), share, started + TIME)))
        .collect();
    let (mut latencies, mut heads) = (Vec::new(), Vec::new());
    for task in tasks {
        let (of_client, share) = task.await.unwrap();
        latencies.extend(of_client);
        heads.extend(share);
    }
    (Load::of(latencies, started.elapsed().as_secs_f64()), heads)
}

async fn client(world: World, mut share: Vec<Head>, until: Instant) -> (Vec<f64>, Vec<Head>) {
    let context = anonymous(NOW);
    let notice = |_: &Account| -> NewMail { letter(MailKind::ReplayNotice) };
    let mut latencies = Vec::new();
    for turn in 0.. {
        if Instant::now() >= until {
            break;
        }
        let place = turn % share.len();
        let shown = presented(&share[place], share[place].generation);
        let started = Instant::now();
        let rotation = world.sessions.rotate(&context, &shown, &POLICY, &notice);
        let rotation = rotation.await.unwrap();
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
        let Rotation::Advanced(head) = rotation else {
            unreachable!("each client has its own sessions")
        };
        share[place] = *head;
    }
    (latencies, share)
}
