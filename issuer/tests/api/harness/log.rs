//! Everything the process logs while somebody listens, at the most talkative level.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

static LISTENING: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static SUBSCRIBE: Once = Once::new();

/// Makes the log of this process audible. Comes before anything is logged.
pub(crate) fn subscribe() {
    SUBSCRIBE.call_once(|| {
        let listening = dynamic_filter_fn(|_, _| LISTENING.load(Ordering::Relaxed));
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(|| Ear)
            .with_filter(listening)
            .with_filter(LevelFilter::TRACE);
        tracing_subscriber::registry().with(lines).init();
    });
}

/// Begins to listen.
pub(crate) fn listen() {
    HEARD.lock().unwrap().clear();
    LISTENING.store(true, Ordering::Relaxed);
}

/// Ends to listen, and tells what was heard.
pub(crate) fn heard() -> String {
    LISTENING.store(false, Ordering::Relaxed);
    let heard = std::mem::take(&mut *HEARD.lock().unwrap());
    String::from_utf8(heard).unwrap()
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
