//! Making tokens, good ones and others: text of JSON objects member by member, so that numbers are
//! spelled and names doubled at will, and the three segments from any bytes.

use ed25519_dalek::{Signer as _, SigningKey};

use super::case::{AUDIENCE, ISSUER, NOW};

/// The key that signs unless a case is about keys.
pub(crate) fn main_key() -> SigningKey {
    key(1)
}

/// A key of a fixed seed.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A JSON object as pairs of a name and the text of a value.
#[derive(Clone, Default)]
pub(crate) struct Members(Vec<(String, String)>);

impl Members {
    /// The header of a good token.
    pub(crate) fn header() -> Self {
        Self::default()
            .and("alg", "\"EdDSA\"")
            .and("kid", "\"main\"")
            .and("typ", "\"at+jwt\"")
    }

    /// The claims of a good token.
    pub(crate) fn claims() -> Self {
        Self::default()
            .and("iss", &format!("\"{ISSUER}\""))
            .and("aud", &format!("\"{AUDIENCE}\""))
            .and("exp", &(NOW + 600).to_string())
            .and("iat", &NOW.to_string())
            .and("sub", "\"usr_1\"")
            .and("jti", "\"jti_1\"")
            .and("sid", "\"ses_1\"")
            .and("client_id", "\"web\"")
    }

    /// Writes a member over the one of that name, or behind all.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(member, _)| member == name) {
            Some(member) => member.1 = value.into(),
            None => self.0.push((name.into(), value.into())),
        }
        self
    }

    /// Writes a member behind all, even if there is one of that name. The name is JSON text
    /// without quotes, so that it may have escapes.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Leaves a member out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(member, _)| member != name);
        self
    }

    pub(crate) fn text(&self) -> String {
        let members: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// The token with this header, good otherwise.
    pub(crate) fn as_header(&self) -> String {
        token(self.text(), Self::claims().text())
    }

    /// The token with these claims, good otherwise.
    pub(crate) fn as_claims(&self) -> String {
        token(Self::header().text(), self.text())
    }
}

/// The token S01, good in all respects.
pub(crate) fn good_token() -> String {
    Members::claims().as_claims()
}

/// A token of any header and payload, signed by the main key.
pub(crate) fn token(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    signed_by(&main_key(), header, payload)
}

/// A token of any header and payload, signed by any key.
pub(crate) fn signed_by(
    key: &SigningKey,
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    with_signature(&input, key.sign(input.as_bytes()).to_bytes())
}

/// A token of two segments and any signature.
pub(crate) fn with_signature(input: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{input}.{}", base64url(signature))
}

/// The three segments of a token.
pub(crate) fn split(token: &str) -> [&str; 3] {
    let segments: Vec<&str> = token.split('.').collect();
    segments.try_into().expect("a token has three segments")
}

/// base64url without padding.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    encode(
        bytes.as_ref(),
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    )
}

/// Standard base64, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = encode(
        bytes,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    );
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..=chunk.len() {
            let value = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(
                alphabet[usize::try_from(value).expect("six bits")],
            ));
        }
    }
    text
}
