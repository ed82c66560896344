//! How much mail an address is sent because somebody asked for it, whoever that was.

use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::limit::{LimitKey, LimitSubject, Quota};

impl Issuer {
    /// Takes a unit of the recipient's budget for all mail that has none of its own; false where it
    /// is empty.
    pub(crate) async fn may_send_other_mail(&self, recipient: &EmailAddress) -> bool {
        let quota = self.settings.limits.other_mails;
        self.may_mail("mail_other", &[quota], recipient).await
    }

    /// Takes a unit of each of the recipient's mail budgets of `class`; false where one is empty.
    pub(crate) async fn may_mail(
        &self,
        class: &'static str,
        quotas: &[Quota],
        recipient: &EmailAddress,
    ) -> bool {
        let subject = LimitSubject::Person(self.guess_keys().address(recipient));
        for (class, quota) in [class, "mail_long"].into_iter().zip(quotas) {
            let subject = subject.clone();
            let key = LimitKey { class, subject };
            if self.limiter.take(&key, *quota).await.is_err() {
                return false;
            }
        }
        true
    }
}
