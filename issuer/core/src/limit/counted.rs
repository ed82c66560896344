//! A limiter that counts what it refuses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Budget, Exceeded, LimitKey, Limiter, Quota};

/// Counts the refusals of another limiter by class; whose they were isn't kept.
pub struct CountedLimiter {
    inner: Arc<dyn Limiter>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl CountedLimiter {
    /// Counts what `inner` refuses.
    #[must_use]
    pub fn new(inner: Arc<dyn Limiter>) -> Self {
        Self {
            inner,
            refused: Mutex::default(),
        }
    }

    /// How often each class was refused, those that were.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone()
    }
}

impl std::fmt::Debug for CountedLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CountedLimiter")
    }
}

#[async_trait]
impl Limiter for CountedLimiter {
    async fn take(&self, key: &LimitKey, quota: Quota) -> Result<Budget, Exceeded> {
        let taken = self.inner.take(key, quota).await;
        if taken.is_err() {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            let count = refused.entry(key.class).or_default();
            *count = count.saturating_add(1);
        }
        taken
    }

    async fn give_back(&self, key: &LimitKey, quota: Quota) {
        self.inner.give_back(key, quota).await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::limit::LimitSubject;
    use crate::limit::in_process::InProcessLimiter;

    #[tokio::test]
    async fn what_is_refused_is_counted_by_class_and_what_is_given_back_is_there_again() {
        let limiter = CountedLimiter::new(Arc::new(InProcessLimiter::default()));
        let key = |class| LimitKey {
            class,
            subject: LimitSubject::client(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        };
        let quota = Quota::new(1, 3_600);
        limiter.take(&key("login"), quota).await.unwrap();
        assert!(limiter.take(&key("login"), quota).await.is_err());
        assert!(limiter.take(&key("login"), quota).await.is_err());
        limiter.give_back(&key("login"), quota).await;
        limiter.take(&key("login"), quota).await.unwrap();
        limiter.take(&key("mail"), quota).await.unwrap();
        assert_eq!(limiter.refused(), BTreeMap::from([("login", 2)]));
    }
}
