//! What is signed here, read by the verifier.

#![allow(
    clippy::print_stderr,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "these are tests, which say what they measure"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::revocation::Prefix;
use signet_verifier::{KeyId, KeySet, Leeway, Revocations};
use uuid::Uuid;

use super::*;
use crate::account::AccountId;
use crate::ports::feed::{EndedSession, RaisedVersion, RefusedKey, Revoked};
use crate::secret::{OperatingSystem, SecretBytes};
use crate::session::SessionId;
use crate::signing::seal::{MasterKey, MasterKeys};
use crate::signing::{Keyring, StoredKeys, keyring::initial_keys};
use crate::testing::rounds;

const ISSUER: &str = "https://auth.example.com";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn keyring() -> Keyring {
    let master = MasterKeys::new(MasterKey::new(SecretBytes::new([1; 32])), None);
    let initial = initial_keys(NOW, &master, &OperatingSystem).unwrap();
    let stored = StoredKeys {
        incarnation: initial.incarnation,
        signing: vec![initial.signing],
        mac: vec![initial.mac],
        secrets: initial.secrets,
        version: 1,
    };
    Keyring::open(&stored, &master).unwrap()
}

fn keys(keyring: &Keyring) -> KeySet {
    KeySet::from_jwks(keyring.jwks().as_bytes())
        .unwrap()
        .key_set
}

fn session(number: u64, seq: u64) -> EndedSession {
    let session = SessionId(Uuid::from_u128(u128::from(number) << 7));
    EndedSession { session, seq }
}

fn account(number: u64, version: u64, seq: u64) -> RaisedVersion {
    let account = AccountId(Uuid::from_u128(u128::from(number) << 64));
    RaisedVersion {
        account,
        version,
        seq,
    }
}

fn revoked(epoch: u64, seq: u64) -> Revoked {
    Revoked {
        position: FeedPosition { epoch, seq },
        sessions: Vec::new(),
        accounts: Vec::new(),
        kids: Vec::new(),
        is_undated: false,
        leaves_at: None,
    }
}

fn edition(state: State, keyring: &Keyring) -> Edition {
    Edition::sign(state, ISSUER, keyring, NOW).unwrap()
}

fn snapshot(revoked: &Revoked, keyring: &Keyring) -> FeedText {
    let state = State::first(revoked);
    edition(state, keyring).serve(None).unwrap()
}

/// An edge that takes whatever is served.
#[derive(Clone, Default)]
struct Edge(Revocations);

impl Edge {
    fn take(&mut self, feed: &FeedText, keys: &KeySet) {
        let text = feed.text.as_bytes();
        self.0.apply(text, keys, ISSUER, 0, NOW).unwrap();
    }

    fn ends(&self, number: u64) -> bool {
        let session = Prefix::of(&session(number, 0).session.to_string());
        self.revokes(&session, &Prefix::of("nobody"), 0)
    }

    fn outdates(&self, number: u64, version: u64) -> bool {
        let subject = Prefix::of(&account(number, 0, 0).account.to_string());
        self.revokes(&Prefix::of("none"), &subject, version)
    }

    fn revokes(&self, session: &Prefix, subject: &Prefix, version: u64) -> bool {
        let kid = KeyId::parse("another").unwrap();
        self.0.revokes(&kid, session, subject, version)
    }

    fn position(&self) -> Option<FeedPosition> {
        let (epoch, seq) = self.0.position()?;
        Some(FeedPosition { epoch, seq })
    }
}

#[test]
fn a_feed_refuses_keys_and_names_what_it_revokes_as_verifiers_do() {
    let keyring = keyring();
    let mut state = revoked(3, 9);
    state.sessions = vec![session(1, 4), session(2, 9)];
    state.accounts = vec![account(1, 7, 5)];
    let kid = "8V3mbbmVGLd3i5tAiXq01UIlfKDJ8PfcPuHIYMcaTDg";
    state.kids = vec![RefusedKey {
        kid: kid.to_owned(),
        seq: 6,
    }];
    let mut edge = Edge::default();
    edge.take(&snapshot(&state, &keyring), &keys(&keyring));
    assert!(edge.ends(1) && edge.ends(2) && !edge.ends(3));
    assert!(edge.outdates(1, 6) && !edge.outdates(1, 7) && !edge.outdates(2, 0));
    let kid = KeyId::parse(kid).unwrap();
    assert!(edge.0.revokes(&kid, &Prefix::of("a"), &Prefix::of("b"), 9));
    assert_eq!(edge.position(), Some(state.position));
    assert!(edge.0.is_fresh(NOW.saturating_add(29)) && !edge.0.is_fresh(NOW.saturating_add(30)));
}

#[test]
fn feeds_are_as_small_as_promised() {
    let keyring = keyring();
    let told = |what: &str, text: &str, most: usize| {
        eprintln!("feed: {what}: {} bytes, at most {most}", text.len());
        assert!(text.len() <= most, "{what}: {}", text.len());
    };
    // 10,000 a day, each for eight minutes and the minute until it is looked for.
    let mut usual = revoked(1_800_000_000, 3_650_000);
    usual.sessions = (0..63).map(|number| session(number, 3_650_000)).collect();
    let usual_edition = edition(State::first(&usual), &keyring);
    told(
        "everything, 10,000 of 1,000,000 sessions end in a day",
        &usual_edition.serve(None).unwrap().text,
        2_048,
    );
    let nothing = usual_edition.serve(Some(usual.position)).unwrap();
    told("a delta with nothing new, once in 15 s", &nothing.text, 600);

    let mut many = revoked(1_800_000_000, 3_650_001);
    many.sessions = (0..10_000).map(|number| session(number, 1)).collect();
    told(
        "10,000 sessions of as many accounts",
        &snapshot(&many, &keyring).text,
        150_000,
    );
    many.sessions.clear();
    many.accounts = (0..2_500).map(|number| account(number, 12, 1)).collect();
    told(
        "10,000 sessions of 2,500 accounts, folded",
        &snapshot(&many, &keyring).text,
        64_000,
    );
}

/// The issuer that minted it is a minute ahead of the one that dates the entry, and the verifier is a
/// minute behind the one that removes it.
#[test]
fn an_entry_stays_until_the_most_patient_verifier_takes_no_token_of_it() {
    let (minted_at, dated_at) = (NOW.saturating_add(60), NOW);
    let expires_at = minted_at.saturating_add(300);
    let leaves_at = dated_at.saturating_add(entry_life(300));
    let at_the_verifier = leaves_at.saturating_sub(60);
    assert!(at_the_verifier >= expires_at.saturating_add(Leeway::MOST.as_secs()));
}

#[test]
fn what_verifiers_would_not_read_is_not_signed() {
    let keyring = keyring();
    let mut state = revoked(1, 1);
    state.sessions = (0..19_000).map(|number| session(number, 1)).collect();
    let signed = Edition::sign(State::first(&state), ISSUER, &keyring, NOW);
    assert!(matches!(signed.err(), Some(FeedError::TooLarge)));
}

#[test]
fn who_makes_numbers_up_gets_everything() {
    let keyring = keyring();
    let first = State::first(&revoked(5, 100));
    let mut next = revoked(5, 1_000);
    next.sessions = (0..200).map(|number| session(number, 1_000)).collect();
    let edition = edition(first.then(&next), &keyring);
    let everything = edition.serve(None).unwrap();
    let serve = |epoch, seq| edition.serve(Some(FeedPosition { epoch, seq })).unwrap();
    let is_everything = |feed: FeedText| feed.text == everything.text;
    assert!(
        is_everything(serve(5, 99)),
        "nobody knows what has left since"
    );
    assert!(is_everything(serve(5, 1_001)));
    assert!(is_everything(serve(4, 500)) && is_everything(serve(6, 500)));
    let deltas = (100..900).filter(|seq| !is_everything(serve(5, *seq)));
    assert_eq!(deltas.count(), 62, "beside the two that were everything");
}

#[test]
fn of_what_left_the_oldest_is_forgotten() {
    let mut state = State::first(&revoked(1, 0));
    for seq in 1..=3_000 {
        let mut next = revoked(1, seq);
        next.sessions = vec![session(seq, seq)];
        state = state.then(&next);
    }
    assert!(state.delta(100).is_none());
    let known = (0..=3_000).find(|seq| state.delta(*seq).is_some()).unwrap();
    assert!((900..1_000).contains(&known), "{known}");
    assert_eq!(state.delta(known).unwrap().left.len(), 1);
    assert_eq!(state.delta(3_000), Some(state::Lists::default()));
}

/// What happens at the store.
#[derive(Clone, Debug)]
enum Event {
    Ends(u64),
    Leaves(u64),
    Raises(u64),
    Forgets(u64),
    Restored,
    /// A process reads.
    Reads(usize),
    /// An edge fetches from a process.
    Fetches(usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..8_u64).prop_map(Event::Ends),
        2 => (0..8_u64).prop_map(Event::Leaves),
        2 => (0..4_u64).prop_map(Event::Raises),
        1 => (0..4_u64).prop_map(Event::Forgets),
        1 => Just(Event::Restored),
        6 => (0..2_usize).prop_map(Event::Reads),
        6 => (0..2_usize, 0..2_usize).prop_map(|(edge, process)| Event::Fetches(edge, process)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(rounds(200, 20_000))
    })]

    /// Two processes read when they like, two edges fetch from either: what an edge holds revokes
    /// what the store says at its number, and no session that hadn't ended by then.
    #[test]
    fn deltas_of_any_process_lead_to_what_the_store_says(events in vec(event(), 0..60)) {
        let keyring = keyring();
        let keys = keys(&keyring);
        let mut store = revoked(1, 0);
        let mut said = vec![store.clone()];
        let mut processes: [Option<State>; 2] = [None, None];
        let mut edges = [Edge::default(), Edge::default()];
        let mut versions = [0_u64; 4];
        for event in events {
            let seq = store.position.seq + 1;
            match event {
                Event::Ends(number) => {
                    if store.sessions.iter().all(|one| one.session != session(number, 0).session) {
                        store.sessions.push(session(number, seq));
                        store.position.seq = seq;
                    }
                }
                Event::Leaves(number) => {
                    store.sessions.retain(|one| one.session != session(number, 0).session);
                    store.position.seq = seq;
                }
                Event::Raises(number) => {
                    versions[number as usize] += 1;
                    let raised = account(number, versions[number as usize], seq);
                    store.accounts.retain(|one| one.account != raised.account);
                    store.accounts.push(raised);
                    store.position.seq = seq;
                }
                Event::Forgets(number) => {
                    store.accounts.retain(|one| one.account != account(number, 0, 0).account);
                    store.position.seq = seq;
                }
                Event::Restored => {
                    store.position.epoch += 1;
                    store.position.seq /= 2;
                    store.sessions.clear();
                    store.accounts.clear();
                }
                Event::Reads(process) => {
                    let known = processes[process].as_ref();
                    let next = known.map_or_else(|| State::first(&store), |it| it.then(&store));
                    processes[process] = Some(next);
                }
                Event::Fetches(edge, process) => {
                    let Some(state) = processes[process].clone() else { continue };
                    let edge = &mut edges[edge];
                    let since = edge.position();
                    if since.is_some_and(|since| since > state.position) {
                        // A process that hasn't read yet: the store is asked first, always.
                        continue;
                    }
                    let edition = edition(state, &keyring);
                    edge.take(&edition.serve(since).unwrap(), &keys);
                    let at = edge.position().unwrap();
                    let told = said.iter().rev().find(|one| one.position == at).unwrap();
                    let of_epoch = said.iter().filter(|one| one.position.epoch == at.epoch);
                    let before = of_epoch.filter(|one| one.position <= at);
                    let before: Vec<_> = before.flat_map(|one| &one.sessions).collect();
                    for number in 0..8 {
                        let is = |one: &EndedSession| one.session == session(number, 0).session;
                        let is_ended = edge.ends(number);
                        prop_assert!(is_ended || !told.sessions.iter().any(is), "{number} at {at:?}");
                        prop_assert!(!is_ended || before.iter().any(|one| is(one)));
                    }
                    for raised in &told.accounts {
                        let number = (raised.account.0.as_u128() >> 64) as u64;
                        prop_assert!(edge.outdates(number, raised.version - 1));
                        prop_assert!(!edge.outdates(number, versions[number as usize]));
                    }
                }
            }
            if said.last().unwrap().position != store.position {
                said.push(store.clone());
            }
        }
    }
}
