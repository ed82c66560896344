//! Table (b): the same heads over TCP, to each host in front of an origin.

mod axum;
mod clock;
mod envoy;
mod node;
mod verdict;
mod workerd;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::corpus::{Case, World};
use super::documents::Documents;
use super::head::Head;
use super::origin::Origin;
use crate::process::{Background, Done, Failure, say};
use clock::Clock;
use verdict::{Answer, Verdict};

/// A host that serves every world at a port of its own.
struct Served {
    name: &'static str,
    process: Background,
    ports: Vec<u16>,
    /// What it makes of a head before its gate sees it.
    rewrite: fn(&Head) -> Head,
    /// How many cases it lets through for that, which deny what was sent. They are printed.
    looser: usize,
    fetches: Fetches,
}

/// When a host fetches keys and feeds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Fetches {
    /// It was told everything at its start.
    Never,
    InTheBackground,
    /// Only while it has a request.
    WithRequests,
}

/// What hosts are started with.
struct Stage<'a> {
    worlds: &'a [&'a World],
    documents: &'a Documents,
    origin: &'a Origin,
    clock: &'a Clock,
    /// The npm package, installed.
    package: &'a Path,
    folder: &'a Path,
}

/// What became of the cases at one host.
#[derive(Default)]
struct Row {
    same: usize,
    rewritten: Vec<String>,
    /// Of these, what was let through against its case, or by another rule.
    looser: Vec<String>,
    refused_by_host: usize,
    /// HTTP/1.1 can't carry them, or no clock shows their time.
    not_sent: usize,
    different: Vec<String>,
}

/// How many differences are shown of each host.
const SHOWN: usize = 10;
/// How long hosts have to learn all feeds.
const LEARNING: Duration = Duration::from_secs(120);
/// How long it takes a host that was woken until it has fetched.
const TURN: Duration = Duration::from_millis(500);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn run(worlds: &[World], package: &Path, folder: &Path) -> Done {
    let clock = Clock::new(folder)?;
    // The end of time is for the gates alone.
    let worlds: Vec<&World> = worlds
        .iter()
        .filter(|world| clock::shows(world.now))
        .collect();
    let origin = Origin::start()?;
    let mut rows = vec![("axum", axum::row()?)];
    for start in [node::start, workerd::start, envoy::start] {
        let documents = Documents::serve(&worlds)?;
        clock.set(usual(&worlds))?;
        let stage = Stage {
            worlds: &worlds,
            documents: &documents,
            origin: &origin,
            clock: &clock,
            package,
            folder,
        };
        let mut host = start(&stage)?;
        say(format!("{} has started; teaching and trying it", host.name));
        rows.push((host.name, try_host(&mut host, &stage)?));
    }
    print(&rows);
    let upset: Vec<&str> = rows
        .iter()
        .filter(|(_, row)| !row.different.is_empty() || row.same < LEAST_SAME)
        .map(|(name, _)| *name)
        .collect();
    match upset.as_slice() {
        [] => Ok(()),
        upset => Err(Failure::new(format!("hosts differ: {}", upset.join(", ")))),
    }
}

/// Fewer would mean that a host isn't asked any more.
const LEAST_SAME: usize = 1_480;
/// More would mean that it refuses by itself what it should ask about.
const MOST_REFUSED: usize = 100;

fn print(rows: &[(&str, Row)]) {
    say("\n(b) the hosts, over TCP\n");
    let columns = [
        "same",
        "refused by host",
        "rewritten",
        "looser by that",
        "not sent",
        "different",
    ];
    let columns = columns.map(|column| format!("{column:>17}")).concat();
    say(format!("{:<10}{columns}", "host"));
    for (name, row) in rows {
        let counts = [
            row.same,
            row.refused_by_host,
            row.rewritten.len().saturating_add(row.looser.len()),
            row.looser.len(),
            row.not_sent,
            row.different.len(),
        ];
        let counts = counts.map(|count| format!("{count:>17}")).concat();
        say(format!("{name:<10}{counts}"));
    }
    for (name, row) in rows {
        let kinds = [
            (&row.rewritten, "rewrites, before its gate decides"),
            (&row.looser, "rewrites, and lets through for that"),
        ];
        for (cases, what) in kinds.into_iter().filter(|(cases, _)| !cases.is_empty()) {
            say(format!("\n{name} {what}"));
            cases.iter().for_each(|case| say(format!("  {case}")));
        }
        for case in row.different.iter().take(SHOWN) {
            say(format!("\n{name}: {case}"));
        }
    }
}

fn try_host(host: &mut Served, stage: &Stage<'_>) -> Done<Row> {
    let mut row = Row::default();
    let mut now = usual(stage.worlds);
    if host.fetches != Fetches::Never {
        teach(host, stage, now)?;
    }
    stage.origin.take();
    for (world, port) in stage.worlds.iter().zip(&host.ports) {
        if world.now != now {
            now = world.now;
            stage.clock.set(now)?;
        }
        for case in &world.cases {
            try_case(host, *port, world, case, stage.origin, &mut row);
        }
    }
    if row.looser.len() != host.looser {
        let (found, known) = (row.looser.len(), host.looser);
        let what = format!("{found} rewritten cases are let through, and not {known}");
        row.different.push(what);
    }
    if row.refused_by_host > MOST_REFUSED {
        let count = row.refused_by_host;
        row.different
            .push(format!("{count} cases never came to the gate"));
    }
    Ok(row)
}

/// Has a host fetch all feeds of all worlds at the very time `now`. Then the issuer goes away: nobody
/// waits for a newer feed any more.
fn teach(host: &mut Served, stage: &Stage<'_>, now: u64) -> Done {
    let documents = stage.documents;
    let everywhere: Vec<usize> = (0..host.ports.len()).collect();
    wake(host, &everywhere);
    for _ in 0..documents.rounds() {
        let started = Instant::now();
        // Twice at least: the first answer may come to a thread of Envoy's that has just been
        // relieved, since leases end when the clock leaps.
        fetch_anew(host, stage, &everywhere, now)?;
        fetch_anew(host, stage, &everywhere, now)?;
        while !documents.lacking().is_empty() {
            if started.elapsed() > LEARNING {
                let (name, lacking) = (host.name, documents.lacking());
                return Err(host
                    .process
                    .failure(&format!("as {name} didn't fetch for {lacking:?}")));
            }
            fetch_anew(host, stage, &documents.lacking(), now)?;
        }
        documents.begin_next_round();
    }
    documents.go_away();
    fetch_anew(host, stage, &everywhere, now)
}

/// Sets the clock back, from where a host's schedules go on, and forward again, where all are due.
fn fetch_anew(host: &Served, stage: &Stage<'_>, worlds: &[usize], now: u64) -> Done {
    stage.documents.hold();
    stage.clock.set(now.saturating_sub(180))?;
    wake(host, worlds);
    stage.clock.set(now)?;
    stage.documents.release();
    wake(host, worlds);
    Ok(())
}

/// Has a host look at its clock, and fetch what is due.
fn wake(host: &Served, worlds: &[usize]) {
    if host.fetches == Fetches::WithRequests {
        for port in worlds.iter().filter_map(|world| host.ports.get(*world)) {
            let _any_will_do = send(*port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        }
    }
    std::thread::sleep(TURN);
}

fn try_case(host: &Served, port: u16, world: &World, case: &Case, origin: &Origin, row: &mut Row) {
    let count = |count: &mut usize| *count = count.saturating_add(1);
    let Some(sent) = Head::of(&case.request).filter(Head::is_one_head) else {
        return count(&mut row.not_sent);
    };
    let arriving = (host.rewrite)(&sent);
    let expected = match arriving == sent {
        true => case.expect.clone(),
        false => world.decide(&arriving),
    };
    let answer = match send(port, &sent.to_bytes()) {
        Ok(answer) => answer,
        Err(failure) => return row.different.push(format!("{}: {failure}", case.name)),
    };
    match verdict::of(&expected, &arriving, answer, &origin.take()) {
        Verdict::Same => {
            count(&mut row.same);
            if arriving != sent {
                let what = format!("{}: {arriving:?}", case.name);
                match verdict::is_looser(&expected, &case.expect) {
                    true => row.looser.push(what),
                    false => row.rewritten.push(what),
                }
            }
        }
        Verdict::RefusedByHost => count(&mut row.refused_by_host),
        Verdict::Different(what) => {
            let Case { name, .. } = case;
            row.different
                .push(format!("{name}\n  expected {expected}\n  but {what}"));
        }
    }
}

/// The time of most cases.
fn usual(worlds: &[&World]) -> u64 {
    let cases = |now| {
        let of_then = worlds.iter().filter(|world| world.now == now);
        of_then.map(|world| world.cases.len()).sum::<usize>()
    };
    let nows = worlds.iter().map(|world| world.now);
    nows.max_by_key(|now| cases(*now)).unwrap_or_default()
}

/// Sends bytes on a connection of their own and reads one answer. `None` if the host closes instead.
fn send(port: u16, bytes: &[u8]) -> Done<Option<Answer>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let _refused_before_its_end = stream.write_all(bytes);
    let is_head = bytes.starts_with(b"HEAD ");
    let mut read = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        if let Some(answer) = Answer::parse(&read, is_head) {
            let _it_is_over = stream.shutdown(Shutdown::Both);
            return Ok(Some(answer));
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => read.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}
