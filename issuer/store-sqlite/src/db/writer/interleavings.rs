//! The writer among operations that come, give up and go in every order: a disk in memory stands in for
//! SQLite, and shuttle decides who goes on whenever somebody waits. A schedule in which everybody waits
//! for each other, or for somebody who has gone, is a failure of its own.
//!
//! All that the writer and its operations share are tokio's channels and its mutex, whose own insides
//! tokio tests with loom; so the places where somebody waits are all the places there are.

use std::collections::BTreeSet;
use std::sync::Mutex as Shared;

use futures_util::future::{Either, select};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::{Rng as _, thread_rng};

use super::*;

type Numbers = BTreeSet<u32>;

/// What would be on a disk, and what went wrong. It is told at the end, for a panic among tasks that
/// still run ends the process.
#[derive(Clone, Default)]
struct Memory {
    durable: Arc<Shared<Numbers>>,
    wrong: Arc<Shared<Vec<&'static str>>>,
}

impl Memory {
    fn durable(&self) -> Numbers {
        self.durable.lock().unwrap().clone()
    }

    fn expect(&self, is_right: bool, otherwise: &'static str) {
        if !is_right {
            self.wrong.lock().unwrap().push(otherwise);
        }
    }
}

/// A transaction: what it reads and writes, and what it goes back to.
#[derive(Default)]
struct Connection {
    is_open: bool,
    numbers: Numbers,
    savepoint: Numbers,
}

/// One in `of`.
fn happens(of: u32) -> bool {
    thread_rng().gen_range(0..of) == 0
}

/// Others get their turn, or don't.
async fn meanwhile() {
    for _ in 0..thread_rng().gen_range(0..3) {
        yield_now().await;
    }
}

impl Disk for Memory {
    type Connection = Connection;

    async fn connect(&self) -> Result<Connection, Error> {
        Ok(Connection::default())
    }

    async fn execute(&self, connection: &mut Connection, sql: &'static str) -> Result<(), Error> {
        meanwhile().await;
        match sql {
            "BEGIN IMMEDIATE; SAVEPOINT operation" => {
                self.expect(!connection.is_open, "one transaction at a time");
                if happens(20) {
                    return Err(Error::WorkerCrashed);
                }
                connection.is_open = true;
                connection.numbers = self.durable();
                connection.savepoint = connection.numbers.clone();
            }
            "RELEASE operation; SAVEPOINT operation" => {
                if happens(20) {
                    return Err(Error::WorkerCrashed);
                }
                connection.savepoint = connection.numbers.clone();
            }
            "ROLLBACK TO operation" => connection.numbers = connection.savepoint.clone(),
            "COMMIT" => {
                if happens(5) {
                    return Err(Error::WorkerCrashed);
                }
                *self.durable.lock().unwrap() = connection.savepoint.clone();
                connection.is_open = false;
                // The fsync has happened, and nobody knows yet.
                meanwhile().await;
            }
            "ROLLBACK" => *connection = Connection::default(),
            other => panic!("{other}"),
        }
        Ok(())
    }

    async fn tend(&mut self, _: &mut Connection) {
        meanwhile().await;
    }

    async fn close(&mut self, connection: Connection) {
        self.expect(!connection.is_open, "closed in the middle");
    }
}

/// What an operation knows at its end.
enum Told {
    /// Its number is durable.
    Kept(u32),
    /// It left, having read these.
    Left(Numbers),
    /// It took its number back, or never got to write it.
    Nothing(u32),
    /// It was told of a failure, or didn't wait for the answer.
    Unknown,
}

async fn operate(writer: Writer<Connection>, number: u32) -> Told {
    meanwhile().await;
    let begin = Box::pin(writer.begin());
    let begun = match happens(8) {
        // Gives up after a while.
        true => match select(begin, Box::pin(meanwhile())).await {
            Either::Left((begun, _)) => begun,
            Either::Right(((), begin)) => {
                drop(begin);
                return Told::Nothing(number);
            }
        },
        false => begin.await,
    };
    let Ok(mut write) = begun else {
        return Told::Nothing(number);
    };
    meanwhile().await;
    let read = write.numbers.clone();
    write.numbers.insert(number);
    meanwhile().await;
    match thread_rng().gen_range(0..8) {
        0 => {
            drop(write);
            Told::Nothing(number)
        }
        1 => match write.leave(read).await {
            Ok(read) => Told::Left(read),
            Err(_) => Told::Nothing(number),
        },
        2 => {
            // It becomes durable even where nobody waits for it.
            let commit = Box::pin(write.commit());
            let _whichever = select(commit, Box::pin(meanwhile())).await;
            Told::Unknown
        }
        _ => match write.commit().await {
            Ok(()) => Told::Kept(number),
            Err(_) => Told::Unknown,
        },
    }
}

async fn many_operations(grouping: Grouping) {
    let memory = Memory::default();
    let (writer, task) = Writer::prepare(memory.clone(), grouping).await.unwrap();
    let running = spawn(task.run());
    let operations: Vec<_> = (0..6)
        .map(|number| {
            let (writer, memory) = (writer.clone(), memory.clone());
            spawn(async move {
                let told = operate(writer, number).await;
                let durable = memory.durable();
                match &told {
                    Told::Kept(number) => {
                        memory.expect(durable.contains(number), "told too early");
                    }
                    Told::Left(read) => {
                        memory.expect(durable.is_superset(read), "told of what isn't so");
                    }
                    Told::Nothing(_) | Told::Unknown => {}
                }
                told
            })
        })
        .collect();
    let closing = match happens(4) {
        true => {
            let writer = writer.clone();
            Some(spawn(async move {
                meanwhile().await;
                writer.close().await;
            }))
        }
        false => None,
    };
    let mut told = Vec::new();
    for operation in operations {
        told.push(operation.await.unwrap());
    }
    if let Some(closing) = closing {
        closing.await.unwrap();
        assert!(writer.begin().await.is_err(), "it was closed");
    }
    drop(writer);
    running.await.unwrap();
    assert_eq!(*memory.wrong.lock().unwrap(), [""; 0]);
    let durable = memory.durable();
    for told in told {
        match told {
            Told::Kept(number) => assert!(durable.contains(&number), "lost"),
            Told::Left(read) => assert!(durable.is_superset(&read), "lost after it was read"),
            Told::Nothing(number) => assert!(!durable.contains(&number), "nobody wrote it"),
            Told::Unknown => {}
        }
    }
}

/// Timers that are set, and never go off: nobody drives them.
fn with_timers<T>(test: impl FnOnce() -> T) -> T {
    let timers = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = timers.enter();
    test()
}

fn rounds() -> usize {
    usize::try_from(signet_core::testing::rounds(2_000, 200_000)).unwrap()
}

fn in_any_order() {
    for operations in [1, 2, 256] {
        let grouping = Grouping {
            operations,
            time: Duration::from_secs(3_600),
        };
        block_on(many_operations(grouping));
    }
}

#[test]
fn in_any_order_an_answer_is_true_and_everybody_gets_one() {
    with_timers(|| shuttle::check_random(in_any_order, rounds()));
}

#[test]
fn in_the_orders_that_are_least_likely_too() {
    with_timers(|| shuttle::check_pct(in_any_order, rounds(), 3));
}
