//! The threads that hashes are made on: as many as there are permits, and nobody else's.
//!
//! A hash takes a core for tens of milliseconds. On threads of their own, hashes find the memory of
//! those before them, instead of leaving some behind in every thread that ever made one; and these
//! threads are less urgent than those that answer requests, so that who refreshes a session doesn't
//! wait behind who logs in.

use std::cell::RefCell;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::password::hasher::memory::Memory;

/// How much less urgent a hash is than a request: the "nice" value of its threads. At 10, hashes
/// have a tenth of a core that requests could fill, and all of one that they leave.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

thread_local! {
    /// A thread that has had nothing to do for ten seconds ends, and gives it back.
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

/// A runtime that does nothing but blocking work.
#[derive(Debug)]
pub(super) struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    /// At most this many, each started when it is needed.
    pub(super) fn new(most: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(most)
            .thread_name("signet-hash")
            .on_thread_start(yield_to_requests)
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Does the work when a thread is free, with the memory of that thread.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn_blocking(|| MEMORY.with_borrow_mut(work))
    }
}

impl Drop for Threads {
    /// Doesn't wait for the hashes that are being made, as dropping a runtime would: nothing may
    /// wait like that where futures run.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Makes this thread less urgent; one that is so already, and may not be made more urgent, stays so.
#[cfg(target_os = "linux")]
fn yield_to_requests() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "hashes are as urgent as requests");
    }
}

/// Elsewhere, it would be the whole process that is less urgent.
#[cfg(not(target_os = "linux"))]
fn yield_to_requests() {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread::ThreadId;

    use super::*;

    #[tokio::test]
    async fn there_are_no_more_threads_than_said() {
        let threads = Threads::new(2).unwrap();
        let work = |_: &mut Memory| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            std::thread::current().id()
        };
        let running: Vec<_> = (0..8).map(|_| threads.run(work)).collect();
        let mut used = HashSet::<ThreadId>::new();
        for one in running {
            used.insert(one.await.unwrap());
        }
        assert_eq!(used.len(), 2);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_hash_is_less_urgent_than_a_request() {
        let priority = |_: &mut Memory| rustix::process::getpriority_process(None).unwrap();
        let of_requests = priority(&mut Memory::new());
        let threads = Threads::new(1).unwrap();
        let of_hashes = threads.run(priority).await.unwrap();
        assert_eq!(of_hashes, NICE.max(of_requests));
        assert_eq!(priority(&mut Memory::new()), of_requests);
    }

    #[tokio::test]
    async fn whoever_drops_them_does_not_wait() {
        let threads = Threads::new(1).unwrap();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let running = threads.run(move |_| blocked.recv().is_ok());
        drop(threads);
        release.send(()).unwrap();
        assert!(running.await.unwrap());
    }
}
