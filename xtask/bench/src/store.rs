//! The stores in process: refresh tokens rotated, each of them on the disk before it is answered.
//!
//! Every client rotates the sessions of its share, one after the other, among [`SESSIONS`]. Beside
//! it stands what this disk takes for one `fdatasync`, without which no figure means anything.
//! To add a store, add a [`Subject`].

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signet_core::account::Account;
use signet_core::mail::{MailKind, NewMail};
use signet_core::ports::{Rotation, Store};
use signet_core::session::Head;
use signet_core::testing::World;
use signet_core::testing::world::{NOW, POLICY, anonymous, letter, presented};
use signet_store_sqlite::{Grouping, SqliteStore};

use crate::load::Load;
use crate::machine::resident;
use crate::report::{Report, Target};

/// How many sessions there are to rotate: enough that those of a group stand on many pages.
const SESSIONS: usize = 2_048;
const SESSIONS_OF_AN_ACCOUNT: usize = 16;
/// How many make the sessions, at once: few enough for a store that does one after the other.
const FILLERS: usize = 32;
const CLIENTS: [usize; 3] = [1, 8, 64];
const TIME: Duration = Duration::from_secs(4);
/// How often the disk is asked.
const SYNCS: usize = 400;
const PAGE: usize = 4_096;

type Opened = Pin<Box<dyn Future<Output = Arc<dyn Store>>>>;

/// A way to keep sessions.
struct Subject {
    name: &'static str,
    open: fn(PathBuf) -> Opened,
    /// The least rotations in a second at the most clients.
    target: Target,
}

const SUBJECTS: [Subject; 2] = [
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
];

async fn sqlite(folder: PathBuf, grouping: Grouping) -> Arc<dyn Store> {
    let path = folder.join("signet.db");
    Arc::new(SqliteStore::open_grouping(&path, grouping).await.unwrap())
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
    disk(report, folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut most = Vec::new();
    for subject in SUBJECTS {
        most.push(runtime.block_on(measure(report, &subject)));
    }
    if let [alone, grouped] = most.as_slice() {
        let name = "SQLite, in groups against alone, 64 clients";
        report.figure(name, grouped / alone, "times", Target::AtLeast(10.0));
    }
}

/// What the disk takes to make one page durable, in a file whose blocks are there.
fn disk(report: &mut Report, folder: &Path) {
    let mut file = File::create(folder.join("page")).unwrap();
    file.write_all(&[1; PAGE]).unwrap();
    file.sync_all().unwrap();
    let syncs = (0..SYNCS).map(|_| {
        file.rewind().unwrap();
        file.write_all(&[2; PAGE]).unwrap();
        let started = Instant::now();
        file.sync_data().unwrap();
        started.elapsed().as_secs_f64() * 1e3
    });
    let syncs = Load::of(syncs.collect(), 1.0);
    report.figure("fdatasync of a page, p50", syncs.p50, "ms", Target::None);
    report.figure("fdatasync of a page, p99", syncs.p99, "ms", Target::None);
}

/// The rate at the most clients.
async fn measure(report: &mut Report, subject: &Subject) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new((subject.open)(folder.path().to_owned()).await);
    let mut heads = fill(&world).await;
    let mut rate = 0.0;
    for clients in CLIENTS {
        let load;
        (load, heads) = rotate(&world, heads, clients).await;
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
        let rotation = world.store.rotate(&context, &shown, &POLICY, &notice).await;
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
        let Rotation::Advanced(head) = rotation.unwrap() else {
            unreachable!("each client has its own sessions")
        };
        share[place] = *head;
    }
    (latencies, share)
}
