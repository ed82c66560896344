//! The mailbox of local mode: mail that nobody sends, in memory, for the one who tries Signet out.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

/// How many letters are kept; the oldest go.
const MOST: usize = 200;

/// A letter in the mailbox.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its id, the same as in the outbox.
    pub id: Uuid,
    /// When it was put into the outbox.
    pub created_at: UnixTime,
    /// What it says, and to whom.
    pub message: Message,
}

/// Letters to anyone, in memory.
#[derive(Default)]
pub struct Mailbox {
    /// Newest first.
    letters: Mutex<VecDeque<Letter>>,
}

impl Mailbox {
    /// The letters, newest first.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        let letters = self.letters.lock();
        let letters = letters.unwrap_or_else(PoisonError::into_inner);
        letters.iter().cloned().collect()
    }

    fn keep(&self, letter: Letter) {
        let letters = self.letters.lock();
        let mut letters = letters.unwrap_or_else(PoisonError::into_inner);
        // A letter that is handed over a second time is still one letter.
        letters.retain(|kept| kept.id != letter.id);
        letters.push_front(letter);
        letters.truncate(MOST);
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

#[async_trait]
impl MailTransport for Mailbox {
    async fn deliver(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<(), DeliveryError> {
        self.keep(Letter {
            id,
            created_at,
            message: message.clone(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use signet_core::mail::MailKind;

    use super::*;

    fn letter(id: u128) -> Letter {
        Letter {
            id: Uuid::from_u128(id),
            created_at: UnixTime::from_secs(1),
            message: Message {
                to: "ada@example.com".to_owned(),
                kind: MailKind::Verify,
                subject: String::new(),
                text: String::new(),
                html: String::new(),
                link: None,
                token: None,
            },
        }
    }

    #[test]
    fn the_newest_letters_stay_and_each_only_once() {
        let mailbox = Mailbox::default();
        for id in 0..300 {
            mailbox.keep(letter(id));
            mailbox.keep(letter(id));
        }
        let ids: Vec<u128> = mailbox.letters().iter().map(|l| l.id.as_u128()).collect();
        let newest: Vec<u128> = (100..300).rev().collect();
        assert_eq!(ids, newest);
    }
}
