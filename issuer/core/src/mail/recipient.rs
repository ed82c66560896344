//! How much mail an address is sent because somebody asked for it, whoever that was.

use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::limit::{LimitSubject, Quota, Reservation};

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
        let budgets = [class, "mail_long"].into_iter().zip(quotas.iter().copied());
        self.take_of(budgets, recipient).await.is_ok()
    }

    /// Takes a unit of the mails that tell a mailbox of registrations. Nothing else takes of them,
    /// and each that is taken is sent: so where none is left the mailbox was told, and nobody tries
    /// in silence whether an address is taken by using its mail up first.
    pub(crate) async fn reserve_registration_mail(
        &self,
        recipient: &EmailAddress,
    ) -> Option<Vec<Reservation>> {
        let quotas = self.settings.limits.registration_mails;
        let budgets = ["mail_registration", "mail_registration_long"]
            .into_iter()
            .zip(quotas);
        match self.take_of(budgets, recipient).await {
            Ok(taken) => Some(taken),
            Err(taken) => {
                self.release(taken).await;
                None
            }
        }
    }

    /// Takes a unit of each of the recipient's budgets. Where one is empty, what was taken before is
    /// the error.
    async fn take_of(
        &self,
        budgets: impl Iterator<Item = (&'static str, Quota)>,
        recipient: &EmailAddress,
    ) -> Result<Vec<Reservation>, Vec<Reservation>> {
        let recipient = LimitSubject::Person(self.guess_keys().address(recipient));
        let mut taken = Vec::new();
        for (class, quota) in budgets {
            match self.reserve(class, recipient.clone(), quota).await {
                Ok(unit) => taken.push(unit),
                Err(_) => return Err(taken),
            }
        }
        Ok(taken)
    }
}
