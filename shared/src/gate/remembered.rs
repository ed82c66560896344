//! The cache, shared by all clones of a gate and by all threads that ask them.

use alloc::sync::Arc;
use core::fmt;
use core::hint;

use spin::mutex::{SpinMutex, SpinMutexGuard};

use super::identity::Identity;
use crate::cache::Cache;

/// How often a thread tries to get at the cache. It is held for a tenth of a microsecond; whoever
/// holds it for longer was interrupted by the system, and then checking the token is quicker than
/// waiting.
const TRIES: usize = 64;

/// Whom the tokens belong to that were verified before.
///
/// There is no lock without an operating system that puts threads to sleep, and waiting actively
/// for one that sleeps is worse than not to know: after some tries it is as if nothing were
/// remembered, which costs a check and changes no decision.
#[derive(Default)]
pub(super) struct Remembered {
    cache: SpinMutex<Cache<Arc<Identity>>>,
}

impl Remembered {
    /// Whose token this is, if it was verified with the keys of that stamp.
    pub(super) fn find(&self, token: &[u8], stamp: u64) -> Option<Arc<Identity>> {
        self.cache()?.find(token, stamp)
    }

    /// Remembers whose token this is.
    pub(super) fn keep(&self, token: &[u8], stamp: u64, identity: &Arc<Identity>) {
        let weight = identity.weight();
        if let Some(mut cache) = self.cache() {
            cache.keep(token, stamp, weight, Arc::clone(identity));
        }
    }

    fn cache(&self) -> Option<SpinMutexGuard<'_, Cache<Arc<Identity>>>> {
        (0..TRIES).find_map(|_| {
            let cache = self.cache.try_lock();
            if cache.is_none() {
                hint::spin_loop();
            }
            cache
        })
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_get_at_it_goes_on_without() {
        let remembered = Remembered::default();
        let held = remembered.cache();
        assert!(held.is_some());
        assert!(remembered.find(b"token", 0).is_none());
        drop(held);
        assert!(remembered.cache().is_some());
    }
}
