//! The password that takes longest to check: a login that takes longer than the least time of an
//! answer tells that somebody has the address.

use std::time::{Duration, Instant};

use signet_core::password::hasher::stored::Work;
use signet_core::password::hasher::{Algorithm, Hasher};
use signet_core::password::{Password, PasswordHash};
use zeroize::Zeroizing;

/// The costliest hash of each kind that was seen.
#[derive(Debug, Default)]
pub(super) struct Costliest(Vec<(Work, PasswordHash)>);

impl Costliest {
    pub(super) fn see(&mut self, hash: &PasswordHash) {
        let Some(work) = Work::of(hash) else {
            return;
        };
        match self.0.iter_mut().find(|(known, _)| known.is_like(work)) {
            Some(known) if known.0 < work => *known = (work, hash.clone()),
            Some(_) => {}
            None => self.0.push((work, hash.clone())),
        }
    }

    /// How long the slowest of them takes on this machine.
    pub(super) fn time(&self) -> Option<Duration> {
        let hasher = Hasher::new(Algorithm::default()).ok()?;
        let password = Password::new(Zeroizing::new("a password to be timed".to_owned())).ok()?;
        let time = |(_, hash): &(Work, PasswordHash)| {
            let begun = Instant::now();
            let _it_is_another = hasher.check(&password, hash);
            begun.elapsed()
        };
        self.0.iter().map(time).max()
    }
}

/// What `password.floor_ms` is to be where a check takes so long: half as much again, for it may
/// have been timed on a faster machine.
pub(super) fn proposed_floor(slowest: Duration) -> u64 {
    let milliseconds = u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX);
    let half_more = milliseconds.saturating_add(milliseconds >> 1);
    half_more.div_ceil(50).saturating_mul(50).min(10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_the_costliest_is_kept() {
        let mut costliest = Costliest::default();
        for text in [
            "$2a$05$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2b$06$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
            "no hash",
        ] {
            costliest.see(&PasswordHash::from_stored(text.to_owned()));
        }
        let works: Vec<_> = costliest.0.iter().map(|(work, _)| *work).collect();
        assert_eq!(works, [Work::Bcrypt(6), Work::Argon2(128)]);
        assert!(costliest.time() > Some(Duration::ZERO));
        assert_eq!(Costliest::default().time(), None);
    }

    #[test]
    fn a_floor_is_proposed_with_room() {
        assert_eq!(proposed_floor(Duration::from_millis(310)), 500);
        assert_eq!(proposed_floor(Duration::from_millis(300)), 450);
        assert_eq!(proposed_floor(Duration::from_secs(9)), 10_000);
    }
}
