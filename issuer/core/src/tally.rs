//! What is counted: plain numbers that only rise, read by whoever shows them.
//!
//! A use case counts what came of it on the [`Tally`] of its issuer, with one atomic addition. What
//! can come of it is an enum, so that the number of series has a bound that no client can move, and
//! nothing that is counted tells of a person. Rates, averages and alerts are the business of who
//! reads the numbers.
//!
//! To count something new: add an outcome to its enum, or one that `names!` declares and a field;
//! count it in the use case; show it in `operations::report` of the `signet` package, and say in
//! `docs/OPERATIONS.md` what it means.

mod histogram;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub use histogram::{Histogram, Observed};

use crate::mail::{DeliveryError, MailKind};
use crate::mailed_token::Purpose;
use crate::names::{Named, names};
use crate::ports::Rotation;
use crate::session::login::LoginError;

names! {
    /// What came of a login.
    pub enum LoginOutcome {
        /// A session was opened.
        Ok = "ok",
        /// The address or the password was wrong.
        Failed = "failed",
        /// The password was right, and the account may not log in.
        Barred = "barred",
        /// There were too many failures.
        Limited = "limited",
        /// Too many passwords were being checked.
        Overloaded = "overloaded",
        /// The store didn't answer.
        Unavailable = "unavailable",
    }
}

names! {
    /// What came of a refresh token.
    pub enum RefreshOutcome {
        /// The session goes on.
        Advanced = "advanced",
        /// The predecessor came once more within the grace.
        Repeated = "repeated",
        /// It had been used; its session is over.
        Replayed = "replayed",
        /// It was never issued; its session is over.
        FromFuture = "from_future",
        /// Its session had ended, or there never was one.
        Dead = "dead",
        /// It is no token of this issuer.
        Invalid = "invalid",
    }
}

names! {
    /// A step on the way from a form to an account.
    pub enum RegistrationStep {
        /// Somebody asked for an account.
        Requested = "requested",
        /// The mail that proves the address was handed over.
        Mailed = "mailed",
        /// The address was proven, and there is an account.
        Verified = "verified",
    }
}

names! {
    /// A step on the way from a forgotten password to a new one.
    pub enum ResetStep {
        /// Somebody asked for a mail.
        Requested = "requested",
        /// The mail was handed over.
        Mailed = "mailed",
        /// The password was set.
        Done = "done",
    }
}

names! {
    /// What came of handing a message over.
    pub enum MailOutcome {
        /// The mail server took it.
        Sent = "sent",
        /// It could not be sent now.
        Deferred = "deferred",
        /// It will never be sent.
        Refused = "refused",
    }
}

/// How often each outcome was.
#[derive(Debug)]
pub struct Counts<T>(Box<[AtomicU64]>, PhantomData<T>);

impl<T: Named> Default for Counts<T> {
    fn default() -> Self {
        Self(
            T::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            PhantomData,
        )
    }
}

impl<T: Named> Counts<T> {
    /// Once more.
    pub fn count(&self, outcome: T) {
        let place = T::ALL.iter().position(|one| *one == outcome);
        if let Some(counter) = place.and_then(|place| self.0.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often each was, those that never were included.
    pub fn read(&self) -> impl Iterator<Item = (T, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        T::ALL.iter().copied().zip(counts)
    }
}

/// What the use cases of an issuer count.
#[derive(Debug, Default)]
pub struct Tally {
    /// Logins.
    pub logins: Counts<LoginOutcome>,
    /// Refresh tokens that were presented.
    pub refreshes: Counts<RefreshOutcome>,
    /// From a form to an account.
    pub registrations: Counts<RegistrationStep>,
    /// From a forgotten password to a new one.
    pub resets: Counts<ResetStep>,
    mails: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Tally {
    pub(crate) fn login<T>(&self, outcome: &Result<T, LoginError>) {
        self.logins.count(match outcome {
            Ok(_) => LoginOutcome::Ok,
            Err(LoginError::InvalidCredentials) => LoginOutcome::Failed,
            Err(LoginError::EmailNotVerified | LoginError::Suspended) => LoginOutcome::Barred,
            Err(LoginError::RateLimited { .. }) => LoginOutcome::Limited,
            Err(LoginError::Overloaded(_)) => LoginOutcome::Overloaded,
            Err(LoginError::Store(_)) => LoginOutcome::Unavailable,
            // Nobody tried to log in.
            Err(LoginError::Request(_)) => return,
        });
    }

    pub(crate) fn refresh(&self, rotation: &Rotation) {
        self.refreshes.count(match rotation {
            Rotation::Advanced(_) => RefreshOutcome::Advanced,
            Rotation::Repeated(_) => RefreshOutcome::Repeated,
            Rotation::Replayed(_) => RefreshOutcome::Replayed,
            Rotation::FromFuture(_) => RefreshOutcome::FromFuture,
            Rotation::Dead => RefreshOutcome::Dead,
        });
    }

    pub(crate) fn mail(&self, kind: MailKind, delivered: &Result<(), DeliveryError>) {
        let outcome = match delivered {
            Ok(()) => MailOutcome::Sent,
            Err(DeliveryError::Transient(_) | DeliveryError::Unavailable(_)) => {
                MailOutcome::Deferred
            }
            Err(DeliveryError::Permanent(_)) => MailOutcome::Refused,
        };
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let count = mails.entry((kind.as_str(), outcome.as_str())).or_default();
        *count = count.saturating_add(1);
        drop(mails);
        if outcome == MailOutcome::Sent {
            match kind.carries() {
                Some(Purpose::Verify) => self.registrations.count(RegistrationStep::Mailed),
                Some(Purpose::Reset) => self.resets.count(ResetStep::Mailed),
                Some(
                    Purpose::EmailChange | Purpose::EmailUndo | Purpose::Invite | Purpose::Setup,
                )
                | None => {}
            }
        }
    }

    /// Messages that were tried to be handed over, by kind and [`MailOutcome`]: those that were.
    #[must_use]
    pub fn mails(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_counted_for_itself_and_those_that_never_were_are_shown() {
        let tally = Tally::default();
        tally.login(&Ok(()));
        tally.login::<()>(&Err(LoginError::InvalidCredentials));
        tally.login::<()>(&Err(LoginError::Suspended));
        tally.login::<()>(&Err(LoginError::EmailNotVerified));
        let logins: Vec<_> = tally.logins.read().map(|(_, count)| count).collect();
        assert_eq!(logins, [1, 1, 2, 0, 0, 0]);
    }

    #[test]
    fn a_mail_that_was_sent_is_a_step_of_its_funnel() {
        let tally = Tally::default();
        let later = Err(DeliveryError::Transient("busy".to_owned()));
        tally.mail(MailKind::Verify, &later);
        tally.mail(MailKind::Verify, &Ok(()));
        tally.mail(MailKind::ResetNotice, &Ok(()));
        let mailed = |step: RegistrationStep| {
            let mut steps = tally.registrations.read();
            steps.find(|(one, _)| *one == step).map(|(_, count)| count)
        };
        assert_eq!(mailed(RegistrationStep::Mailed), Some(1));
        assert!(tally.resets.read().all(|(_, count)| count == 0));
        let mails = tally.mails();
        assert_eq!(mails.get(&("verify", "deferred")), Some(&1));
        assert_eq!(mails.get(&("verify", "sent")), Some(&1));
        assert_eq!(mails.len(), 3);
    }
}
