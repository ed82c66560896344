//! The steps that fulfil a wish, and what the audit trail says of them.

use serde_json::{Value, json};

use super::{Due, KeyChange, KeyChangeError, REFUSED, Revocation, Wish};
use crate::audit::Action;
use crate::secret::SecretBytes;
use crate::signing::keyring::{
    KeyringError, identify, new_mac_key, new_signing_key, seal_signing_key,
};
use crate::signing::{KeyState, KeyStock, SealedMacKey, SealedSigningKey};
use crate::time::UnixTime;

/// One thing that a store does to its keys.
#[derive(Clone, Debug)]
pub enum Step {
    /// The key that signs stops.
    Retire(String),
    /// A published key signs.
    Promote(String),
    /// A key is published.
    Publish(SealedSigningKey),
    /// A key is published no more; its seed goes.
    Remove(String),
    /// A kid is refused until then.
    Refuse(String, UnixTime),
    /// A key will make refresh tokens.
    AddMac(SealedMacKey),
    /// A key of refresh tokens goes.
    RemoveMac(u32),
}

/// What is to be done, in this order, and recorded with it; or what was done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// A row of the trail for each change that people know of.
    pub records: Vec<(Action, Value)>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The key that signs from now on, where another one did before.
    #[must_use]
    pub fn promoted(&self) -> Option<&str> {
        self.steps.iter().find_map(|step| match step {
            Step::Promote(kid) => Some(kid.as_str()),
            Step::Publish(key) if key.state == KeyState::Active => Some(key.kid.as_str()),
            Step::Publish(_)
            | Step::Retire(_)
            | Step::Remove(_)
            | Step::Refuse(..)
            | Step::AddMac(_)
            | Step::RemoveMac(_) => None,
        })
    }

    /// The key that was published, to sign later.
    #[must_use]
    pub fn published(&self) -> Option<&str> {
        self.steps.iter().find_map(|step| match step {
            Step::Publish(key) if key.state == KeyState::Next => Some(key.kid.as_str()),
            Step::Publish(_)
            | Step::Promote(_)
            | Step::Retire(_)
            | Step::Remove(_)
            | Step::Refuse(..)
            | Step::AddMac(_)
            | Step::RemoveMac(_) => None,
        })
    }

    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn record(&mut self, action: Action, detail: Value) {
        self.records.push((action, detail));
    }
}

/// A plan in the making.
struct Planning<'a> {
    change: &'a KeyChange<'a>,
    stock: &'a KeyStock,
    now: UnixTime,
    plan: Plan,
}

/// A step may be impossible, and then all of it is.
type Planned = Result<(), KeyChangeError>;

impl KeyChange<'_> {
    /// What fulfils the wish at `now`, with what a store holds.
    ///
    /// # Errors
    /// See [`KeyChangeError`].
    pub fn plan(&self, stock: &KeyStock, now: UnixTime) -> Result<Plan, KeyChangeError> {
        let mut planning = Planning {
            change: self,
            stock,
            now,
            plan: Plan::default(),
        };
        match self.wish {
            Wish::Upkeep => planning.keep_up()?,
            Wish::Rotate => planning.rotate()?,
            Wish::Revoke { kid, how } => match how {
                Revocation::Orderly => planning.retire(kid)?,
                Revocation::Now => planning.refuse(kid)?,
            },
            Wish::Import(seed) => planning.import(seed)?,
        }
        Ok(planning.plan)
    }
}

impl Planning<'_> {
    fn keep_up(&mut self) -> Planned {
        let Due {
            rotation,
            publication,
            removals,
            mac,
            mac_removals,
        } = self.change.times.due(&self.stock.keys, self.now);
        if rotation {
            self.rotate()?;
        }
        if publication {
            self.publish()?;
        }
        for kid in removals {
            self.remove(&kid);
        }
        if mac {
            self.add_mac()?;
        }
        for id in mac_removals {
            self.plan.record(Action::MacKeyRemoved, json!({ "id": id }));
            self.plan.step(Step::RemoveMac(id));
        }
        Ok(())
    }

    /// The published key takes the place of the one that signs, and another is published.
    fn rotate(&mut self) -> Planned {
        let next = self.stock.keys.next().ok_or(KeyChangeError::NoNext)?;
        let signs_from = self.change.times.may_sign_from(next);
        if self.now < signs_from {
            let kid = next.kid.clone();
            return Err(KeyChangeError::TooYoung { kid, signs_from });
        }
        let retired = self.stock.keys.active().map(|active| active.kid.clone());
        let detail = json!({ "kid": next.kid, "retired": retired });
        self.plan.record(Action::KeyRotated, detail);
        if let Some(kid) = retired {
            self.plan.step(Step::Retire(kid));
        }
        self.plan.step(Step::Promote(next.kid.clone()));
        self.publish()
    }

    /// Takes a key out of use, as far as that can be done without refusing anybody's token.
    fn retire(&mut self, kid: &str) -> Planned {
        let key = self.find(kid).ok_or_else(|| self.absent(kid))?;
        match key.state {
            KeyState::Active => self.rotate(),
            KeyState::Next => {
                self.remove(kid);
                self.publish()
            }
            KeyState::Retired => Err(KeyChangeError::Retired {
                kid: kid.to_owned(),
                removed_at: self.change.times.removed_at(key),
            }),
        }
    }

    /// Takes a key away, whatever it takes: another one signs at once, known to verifiers or not.
    fn refuse(&mut self, kid: &str) -> Planned {
        let state = self.find(kid).map(|key| key.state);
        let was = match (state, self.absent(kid)) {
            (Some(state), _) => state.as_str(),
            (None, KeyChangeError::Removed(_)) => "removed",
            (None, absent) => return Err(absent),
        };
        let until = self.now.saturating_add(REFUSED);
        let detail = json!({ "kid": kid, "was": was, "refused_until": until.as_secs() });
        self.plan.record(Action::KeyRevoked, detail);
        if state.is_some() {
            self.plan.step(Step::Remove(kid.to_owned()));
        }
        self.plan.step(Step::Refuse(kid.to_owned(), until));
        match state {
            Some(KeyState::Active) => {
                self.sign_at_once(kid)?;
                self.publish()
            }
            Some(KeyState::Next) => self.publish(),
            Some(KeyState::Retired) | None => Ok(()),
        }
    }

    /// The published key signs, or a new one where none was published.
    fn sign_at_once(&mut self, revoked: &str) -> Planned {
        let kid = match self.stock.keys.next() {
            Some(next) => {
                self.plan.step(Step::Promote(next.kid.clone()));
                next.kid.clone()
            }
            None => {
                let key = self.new_key(KeyState::Active)?;
                let kid = key.kid.clone();
                self.plan.step(Step::Publish(key));
                kid
            }
        };
        let detail = json!({ "kid": kid, "revoked": revoked });
        self.plan.record(Action::KeyRotated, detail);
        Ok(())
    }

    /// A key from elsewhere takes the place of the one that was to sign next.
    fn import(&mut self, seed: &SecretBytes<32>) -> Planned {
        let (kid, _) = identify(seed).ok_or(KeyringError::Generation)?;
        if self.find(&kid).is_some() {
            return Err(KeyChangeError::Exists(kid));
        }
        if !matches!(self.absent(&kid), KeyChangeError::Unknown(_)) {
            return Err(KeyChangeError::WasHere(kid));
        }
        let replaced = self.stock.keys.next().map(|next| next.kid.clone());
        let detail = json!({ "kid": kid, "replaced": replaced });
        self.plan.record(Action::KeyImported, detail);
        if let Some(replaced) = replaced {
            self.plan.step(Step::Remove(replaced));
        }
        let KeyChange {
            master_keys,
            randomness,
            ..
        } = *self.change;
        let key = seal_signing_key(seed, KeyState::Next, self.now, master_keys, randomness)?;
        self.plan.step(Step::Publish(key));
        Ok(())
    }

    fn publish(&mut self) -> Planned {
        let key = self.new_key(KeyState::Next)?;
        let detail = json!({ "kid": key.kid });
        self.plan.record(Action::KeyPublished, detail);
        self.plan.step(Step::Publish(key));
        Ok(())
    }

    fn remove(&mut self, kid: &str) {
        self.plan.record(Action::KeyRemoved, json!({ "kid": kid }));
        self.plan.step(Step::Remove(kid.to_owned()));
    }

    fn add_mac(&mut self) -> Planned {
        let KeyChange {
            times,
            master_keys,
            randomness,
            ..
        } = *self.change;
        let last = self.stock.keys.mac.iter().map(|key| key.id).max();
        let id = last.unwrap_or(0).saturating_add(1);
        let signs_from = self.now.saturating_add(times.mac_spreads);
        let key = new_mac_key(id, self.now, signs_from, master_keys, randomness)?;
        self.plan.record(Action::MacKeyAdded, json!({ "id": id }));
        self.plan.step(Step::AddMac(key));
        Ok(())
    }

    fn new_key(&self, state: KeyState) -> Result<SealedSigningKey, KeyringError> {
        let KeyChange {
            master_keys,
            randomness,
            ..
        } = *self.change;
        new_signing_key(state, self.now, master_keys, randomness)
    }

    fn find(&self, kid: &str) -> Option<&SealedSigningKey> {
        self.stock.keys.signing.iter().find(|key| key.kid == kid)
    }

    /// What became of a key that isn't published.
    fn absent(&self, kid: &str) -> KeyChangeError {
        let stock = self.stock;
        let kid = kid.to_owned();
        if stock.refused.iter().any(|refused| refused.kid == kid) {
            return KeyChangeError::Revoked(kid);
        }
        match stock.removed.iter().any(|removed| removed.kid == kid) {
            true => KeyChangeError::Removed(kid),
            false => KeyChangeError::Unknown(kid),
        }
    }
}
