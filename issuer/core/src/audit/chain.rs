//! What ties a row of the trail to the one before it, and a row to the client's address beside it.
//!
//! There are two formats of rows. Those of format 1, which the releases before this one write, hold
//! the address itself, and their hash covers it. Those of format 2 hold a commitment: a hash of the
//! address with 16 random bytes of its own. The address and these bytes are kept beside the trail.
//! Once they are gone, nobody can find the address by trying all there are, and the chain is as it was.
//!
//! A row of format 1 loses its address together with the request's id: what is left of the hash is
//! then one of two unknowns, of which the id has 122 random bits. Nobody can compute that hash any
//! more, so whatever takes the address out vouches for the rest of the row: [`Redaction`].

use sha2::{Digest as _, Sha256};

use super::Event;
use crate::secret::Randomness;

/// What says that a row is of the format with a commitment, in the store.
pub const FORMAT: i64 = 2;
/// The format of the releases before.
pub const FORMAT_BEFORE: i64 = 1;

/// The hash that the first row follows.
pub const START: [u8; 32] = [0; 32];

/// What a row says of the client's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Binding {
    /// Format 1: the address itself.
    Plain,
    /// Format 1: the address and the request's id were taken out. This row vouches for the rest.
    TakenOut {
        /// Its place.
        by: u64,
    },
    /// Format 2.
    Committed {
        /// The commitment, where there was an address.
        commitment: Option<[u8; 32]>,
        /// What opens it, as long as the address is kept.
        salt: Option<[u8; 16]>,
    },
}

/// One row of the trail at its place in the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Its place, from 1, without gaps.
    pub sequence: u64,
    /// What it tells.
    pub event: Event,
    /// What it says of the client's address.
    pub binding: Binding,
    /// What ties it to the row before it; the first follows [`START`].
    pub hash: [u8; 32],
}

/// A new row at its place, as a store is to keep it.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its place.
    pub sequence: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The commitment to the client's address, where there is one.
    pub commitment: Option<[u8; 32]>,
    /// What opens it.
    pub salt: Option<[u8; 16]>,
}

impl Placed {
    /// Puts an event behind the row with the hash `previous`.
    #[must_use]
    pub fn behind(
        previous: &[u8; 32],
        sequence: u64,
        event: &Event,
        randomness: &dyn Randomness,
    ) -> Self {
        let opened = event.ip.as_deref().map(|ip| {
            let salt = randomness.array();
            (commitment(&salt, ip), salt)
        });
        let (commitment, salt) = opened.unzip();
        Self {
            sequence,
            hash: hash_with_commitment(previous, sequence, event, commitment.as_ref()),
            commitment,
            salt,
        }
    }
}

impl Recorded {
    /// Whether its hash is that of a row behind `previous`, as far as the row itself can tell: for
    /// what was taken out, another one vouches.
    #[must_use]
    pub fn follows(&self, previous: &[u8; 32]) -> bool {
        match &self.binding {
            Binding::Plain => self.hash == hash_with_address(previous, self.sequence, &self.event),
            Binding::TakenOut { by } => *by > self.sequence,
            Binding::Committed { commitment, .. } => {
                let commitment = commitment.as_ref();
                let hash = hash_with_commitment(previous, self.sequence, &self.event, commitment);
                self.hash == hash
            }
        }
    }

    /// Whether the address beside it, if it is still kept, is the one it was written with.
    #[must_use]
    pub fn has_its_address(&self) -> bool {
        match (&self.binding, &self.event.ip) {
            (Binding::Plain, _) => true,
            (Binding::TakenOut { .. }, ip) => ip.is_none() && self.event.request_id.is_none(),
            (Binding::Committed { salt: None, .. }, ip) => ip.is_none(),
            (
                Binding::Committed {
                    commitment: Some(commitment),
                    salt: Some(salt),
                },
                Some(ip),
            ) => *commitment == self::commitment(salt, ip),
            (Binding::Committed { salt: Some(_), .. }, _) => false,
        }
    }
}

/// What vouches for the rest of rows whose addresses were taken out.
#[derive(Clone, Debug)]
pub struct Redaction {
    digest: [u8; 32],
    rows: u64,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            digest: START,
            rows: 0,
        }
    }
}

impl Redaction {
    /// Adds a row, in order, as it is without its address and its request's id.
    pub fn add(&mut self, row: &Recorded) {
        let rest = Event {
            ip: None,
            request_id: None,
            ..row.event.clone()
        };
        let mut hasher = Sha256::new();
        hasher.update(b"signet audit taken out\0");
        hasher.update(self.digest);
        hasher.update(row.hash);
        cover(&mut hasher, row.sequence, &rest, None);
        self.digest = hasher.finalize().into();
        self.rows = self.rows.saturating_add(1);
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What the row that vouches holds under `taken_out`.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&self.digest)
    }
}

/// Bytes as people compare them.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// The commitment to an address.
fn commitment(salt: &[u8; 16], ip: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"signet audit address\0");
    hasher.update(salt);
    hasher.update(ip);
    hasher.finalize().into()
}

pub(super) fn hash_with_address(previous: &[u8; 32], sequence: u64, event: &Event) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"signet audit 1\0");
    hasher.update(previous);
    let ip = event.ip.as_ref().map(String::as_bytes);
    cover(&mut hasher, sequence, event, ip);
    hasher.finalize().into()
}

fn hash_with_commitment(
    previous: &[u8; 32],
    sequence: u64,
    event: &Event,
    commitment: Option<&[u8; 32]>,
) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"signet audit 2\0");
    hasher.update(previous);
    cover(
        &mut hasher,
        sequence,
        event,
        commitment.map(<[u8; 32]>::as_slice),
    );
    hasher.finalize().into()
}

/// Every field with its length, so that no two rows read alike.
fn cover(hasher: &mut Sha256, sequence: u64, event: &Event, address: Option<&[u8]>) {
    hasher.update(sequence.to_be_bytes());
    hasher.update(event.at.as_secs().to_be_bytes());
    let fields = [
        Some(event.actor.as_bytes()),
        Some(event.action.as_bytes()),
        event.subject.as_ref().map(String::as_bytes),
        Some(event.detail.as_bytes()),
        address,
        event.request_id.as_ref().map(String::as_bytes),
    ];
    for field in fields {
        match field {
            Some(bytes) => {
                hasher.update([1]);
                hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(bytes);
            }
            None => hasher.update([0]),
        }
    }
}
