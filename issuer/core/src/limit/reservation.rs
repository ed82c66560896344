//! Budgets that only failures use up: a unit is taken before anybody knows, and given back where
//! it was no failure.

use super::{Exceeded, LimitKey, LimitSubject, Quota};
use crate::issuer::Issuer;

/// A unit of a budget, taken in case of a failure.
#[derive(Debug)]
pub(crate) struct Reservation {
    key: LimitKey,
    quota: Quota,
}

impl Issuer {
    /// Takes a unit of a budget that only failures are to use up.
    pub(crate) async fn reserve(
        &self,
        class: &'static str,
        subject: LimitSubject,
        quota: Quota,
    ) -> Result<Reservation, Exceeded> {
        let key = LimitKey { class, subject };
        self.limiter.take(&key, quota).await?;
        Ok(Reservation { key, quota })
    }

    /// Gives back what was reserved: it was no failure.
    pub(crate) async fn release(&self, reservations: impl IntoIterator<Item = Reservation>) {
        for reservation in reservations {
            self.limiter
                .give_back(&reservation.key, reservation.quota)
                .await;
        }
    }
}
