//! Holding a trail against its own hashes, row by row, from the first one on.

use std::collections::BTreeMap;

use super::chain::{Binding, Redaction, START};
use super::{Action, Recorded};

/// What is wrong with a trail, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Broken {
    /// A row is missing, or stands in another's place.
    #[error("row {expected} is missing: row {found} comes in its place")]
    Gap {
        /// The place that should come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A row, or one before it, was changed.
    #[error("row {0} doesn't follow the row before it: one of the two was changed")]
    Link(u64),
    /// The client's address beside a row isn't the one it was written with.
    #[error("the client's address of row {0} was changed")]
    Address(u64),
    /// An address was taken out of rows, and the row that should vouch for them doesn't.
    #[error("the rows whose addresses row {0} took out were changed since")]
    TakenOut(u64),
    /// The trail doesn't go through a head that was noted.
    #[error("row {0} isn't the one that was noted: the trail was cut, or written anew")]
    Head(u64),
}

/// The end of a trail: whoever notes it somewhere else can see later whether it was cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrailHead {
    /// The place of the last row; 0 where there is none.
    pub sequence: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Default for TrailHead {
    fn default() -> Self {
        Self {
            sequence: 0,
            hash: START,
        }
    }
}

/// A trail on its way past.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    head: TrailHead,
    taken_out: BTreeMap<u64, Redaction>,
}

impl Verification {
    /// Takes the next row.
    ///
    /// # Errors
    /// When the trail is broken here.
    pub fn take(&mut self, row: &Recorded) -> Result<(), Broken> {
        let expected = self.head.sequence.saturating_add(1);
        if row.sequence != expected {
            return Err(Broken::Gap {
                expected,
                found: row.sequence,
            });
        }
        if !row.follows(&self.head.hash) {
            return Err(Broken::Link(row.sequence));
        }
        if !row.has_its_address() {
            return Err(Broken::Address(row.sequence));
        }
        if let Binding::TakenOut { by } = row.binding {
            self.taken_out.entry(by).or_default().add(row);
        }
        if let Some(redaction) = self.taken_out.remove(&row.sequence) {
            let vouches = row.event.action == Action::AccountErased.as_str()
                && serde_json::from_str::<serde_json::Value>(&row.event.detail).is_ok_and(
                    |detail| {
                        detail.get("taken_out").and_then(serde_json::Value::as_str)
                            == Some(redaction.digest().as_str())
                    },
                );
            if !vouches {
                return Err(Broken::TakenOut(row.sequence));
            }
        }
        self.head = TrailHead {
            sequence: row.sequence,
            hash: row.hash,
        };
        Ok(())
    }

    /// The last row that was taken.
    #[must_use]
    pub fn head(&self) -> TrailHead {
        self.head
    }

    /// The end of the trail, after its last row.
    ///
    /// # Errors
    /// When a row that should vouch for others never came.
    pub fn end(&self) -> Result<TrailHead, Broken> {
        match self.taken_out.keys().next() {
            Some(by) => Err(Broken::TakenOut(*by)),
            None => Ok(self.head),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Placed, hash_with_address};
    use super::super::{Actor, Context, Event, Origin};
    use super::*;
    use crate::secret::OperatingSystem;
    use crate::time::UnixTime;

    fn event(number: u64) -> Event {
        let context = Context {
            now: UnixTime::from_secs(number),
            actor: Actor::Anonymous,
            origin: Origin {
                ip: Some([192, 0, 2, 1].into()),
                user_agent: None,
                request_id: Some(format!("request {number}")),
            },
        };
        context.event(Action::AccountErased, None, serde_json::json!({}))
    }

    fn trail(rows: u64) -> Vec<Recorded> {
        let mut previous = START;
        let place = |sequence| {
            let event = event(sequence);
            let placed = Placed::behind(&previous, sequence, &event, &OperatingSystem);
            previous = placed.hash;
            let binding = Binding::Committed {
                commitment: placed.commitment,
                salt: placed.salt,
            };
            Recorded {
                sequence,
                event,
                binding,
                hash: placed.hash,
            }
        };
        (1..=rows).map(place).collect()
    }

    fn verify(trail: &[Recorded]) -> Result<TrailHead, Broken> {
        let mut verification = Verification::default();
        for row in trail {
            verification.take(row)?;
        }
        verification.end()
    }

    #[test]
    fn whatever_is_changed_is_noticed_where_it_is() {
        let whole = trail(5);
        assert_eq!(verify(&whole).unwrap().sequence, 5);
        type Change<'a> = &'a dyn Fn(&mut Recorded);
        let changes: [(Change<'_>, Broken); 8] = [
            (&|row| row.event.actor.push('x'), Broken::Link(3)),
            (&|row| row.event.action.push('x'), Broken::Link(3)),
            (
                &|row| row.event.subject = Some(String::new()),
                Broken::Link(3),
            ),
            (&|row| row.event.detail.push(' '), Broken::Link(3)),
            (&|row| row.event.request_id = None, Broken::Link(3)),
            (
                &|row| row.event.ip = Some("192.0.2.2".to_owned()),
                Broken::Address(3),
            ),
            (&|row| row.event.ip = None, Broken::Address(3)),
            (&|row| row.hash = [7; 32], Broken::Link(3)),
        ];
        for (change, broken) in changes {
            let mut changed = whole.clone();
            change(&mut changed[2]);
            assert_eq!(verify(&changed), Err(broken));
        }
        let mut cut = whole.clone();
        cut.remove(1);
        let gap = Broken::Gap {
            expected: 2,
            found: 3,
        };
        assert_eq!(verify(&cut), Err(gap));
    }

    #[test]
    fn an_address_that_goes_leaves_the_chain_whole() {
        let mut whole = trail(3);
        whole[1].event.ip = None;
        if let Binding::Committed { salt, .. } = &mut whole[1].binding {
            *salt = None;
        }
        assert_eq!(verify(&whole).unwrap().sequence, 3);
    }

    /// Three rows as the release before writes them, and one that takes their addresses out.
    fn taken_out() -> Vec<Recorded> {
        let mut rows: Vec<Recorded> = Vec::new();
        let (mut previous, mut redaction) = (START, Redaction::default());
        for sequence in 1..=3 {
            let mut event = event(sequence);
            let hash = hash_with_address(&previous, sequence, &event);
            previous = hash;
            (event.ip, event.request_id) = (None, None);
            let row = Recorded {
                sequence,
                event,
                binding: Binding::TakenOut { by: 4 },
                hash,
            };
            redaction.add(&row);
            rows.push(row);
        }
        let mut vouching = event(4);
        vouching.detail = serde_json::json!({ "taken_out": redaction.digest() }).to_string();
        let placed = Placed::behind(&previous, 4, &vouching, &OperatingSystem);
        rows.push(Recorded {
            sequence: 4,
            event: vouching,
            binding: Binding::Committed {
                commitment: placed.commitment,
                salt: placed.salt,
            },
            hash: placed.hash,
        });
        rows
    }

    #[test]
    fn what_was_taken_out_of_old_rows_is_vouched_for() {
        let whole = taken_out();
        assert_eq!(verify(&whole).unwrap().sequence, 4);
        let mut changed = whole.clone();
        changed[1].event.detail.push(' ');
        assert_eq!(verify(&changed), Err(Broken::TakenOut(4)));
        assert_eq!(verify(&whole[..3]), Err(Broken::TakenOut(4)));
        let mut backwards = whole;
        backwards[1].binding = Binding::TakenOut { by: 1 };
        assert_eq!(verify(&backwards), Err(Broken::Link(2)));
    }
}
