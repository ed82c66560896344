//! Identities that JavaScript has seen, so that it is told of each once.

use std::sync::Arc;

use signet_verifier::gate::Identity;

/// How many are known on both sides at most.
const SLOTS: usize = 256;

/// The identities that JavaScript keeps, each in its place there: places count from 1.
///
/// An identity that is here isn't forgotten by the gate and another put where it was, so its address
/// is its name.
pub(crate) struct Identities(Box<[Option<Arc<Identity>>]>);

impl Default for Identities {
    fn default() -> Self {
        Self(vec![None; SLOTS].into())
    }
}

impl Identities {
    /// The place of an identity, and whether JavaScript has yet to be told who it is.
    pub(crate) fn place(&mut self, identity: &Arc<Identity>) -> (usize, bool) {
        let address = Arc::as_ptr(identity).addr();
        // They lie some hundred bytes apart.
        let place = (address >> 4 ^ address >> 12) % SLOTS;
        let is_new = match self.0.get_mut(place) {
            Some(Some(known)) if Arc::ptr_eq(known, identity) => false,
            Some(slot) => {
                *slot = Some(Arc::clone(identity));
                true
            }
            None => true,
        };
        (place.saturating_add(1), is_new)
    }
}

/// Writes who it is: the values of the headers from `sub` to `exp`, and all permissions, a line each;
/// then the claims as they were signed.
pub(crate) fn write(identity: &Identity, text: &mut Vec<u8>) {
    let token = identity.token();
    let claims = token.claims();
    let expires_at = claims.expires_at().as_secs().to_string();
    let lines = [
        claims.subject(),
        claims.session_id(),
        claims.client_id(),
        &claims.roles().join(","),
        &claims.permissions().join(","),
        &expires_at,
        &identity.permissions().join(","),
        token.claims_json(),
    ];
    text.extend(lines.join("\n").as_bytes());
}
