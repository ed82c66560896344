//! The bearer token of a request (RFC 6750, section 2.1).

/// What the `Authorization` headers of a request hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bearer<'a> {
    /// No header, an empty one, or one of another scheme.
    Absent,
    /// Exactly one header with exactly one token; nothing about the token is known yet.
    Token(&'a [u8]),
    /// Two headers, or the scheme Bearer with anything but one token behind one space.
    Malformed,
}

impl<'a> Bearer<'a> {
    /// Reads the values of all `Authorization` headers of a request.
    pub fn from_headers(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::from_header(value),
            (Some(_), Some(_)) => Self::Malformed,
        }
    }

    fn from_header(value: &'a [u8]) -> Self {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let scheme_length = value.iter().position(is_blank);
        let (scheme, rest) = match scheme_length.and_then(|at| value.split_at_checked(at)) {
            Some((scheme, rest)) => (scheme, rest),
            None => (value, &[][..]),
        };
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Self::Absent;
        }
        match rest.split_first() {
            Some((b' ', token)) if is_token68(token) => Self::Token(token),
            Some(_) | None => Self::Malformed,
        }
    }
}

/// RFC 9110, section 11.2: letters, digits and `-._~+/`, at least one, then any number of `=`.
fn is_token68(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = token.get(..token.len().saturating_sub(padding));
    let are_all_good = match cfg!(target_family = "wasm") {
        true => are_in_table,
        false => are_token_characters,
    };
    body.is_some_and(|body| !body.is_empty() && are_all_good(body))
}

/// Without a way out at the first other character, many are looked at at once.
fn are_token_characters(text: &[u8]) -> bool {
    let good = text.iter().map(|byte| is_token_character(*byte));
    good.fold(true, |all, is_good| all & is_good)
}

/// The same for compilers that don't look at many at once: those of WebAssembly, where space counts.
fn are_in_table(text: &[u8]) -> bool {
    let other = |byte: u8| OTHERS.get(usize::from(byte)).copied().unwrap_or(1);
    text.iter().fold(0, |any, byte| any | other(*byte)) == 0
}

/// 1 for each byte that no token has.
const OTHERS: [u8; 256] = {
    let mut others = [0; 256];
    let mut byte: u8 = 0;
    loop {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "evaluated by the compiler, which would refuse an overrun"
        )]
        {
            others[byte as usize] = !is_token_character(byte) as u8;
        }
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break others,
        }
    }
};

const fn is_token_character(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit_or_slash = byte.wrapping_sub(b'/') < 11;
    let is_mark = (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'~');
    is_letter | is_digit_or_slash | is_mark | (byte == b'+')
}

#[cfg(test)]
mod tests {
    use super::Bearer::{Absent, Malformed, Token};
    use super::*;

    #[test]
    fn one_header_one_space_one_token() {
        for (value, bearer) in [
            (&b"Bearer abc.d-e_f"[..], Token(b"abc.d-e_f")),
            (b"bearer abc==", Token(b"abc==")),
            (b"BEARER a", Token(b"a")),
            (b"", Absent),
            (b"Basic abc", Absent),
            (b"xBearer abc", Absent),
            (b"Bearerabc", Absent),
            (b"Bearer", Malformed),
            (b"Bearer ", Malformed),
            (b"Bearer  abc", Malformed),
            (b"Bearer\tabc", Malformed),
            (b"Bearer abc ", Malformed),
            (b"Bearer abc, Bearer def", Malformed),
            (b"Bearer abc def", Malformed),
            (b"Bearer ==", Malformed),
            (b"Bearer a=b", Malformed),
            (b"Bearer \"abc\"", Malformed),
            (b"Bearer \xff", Malformed),
        ] {
            assert_eq!(Bearer::from_headers([value]), bearer, "{value:?}");
        }
    }

    #[test]
    fn a_token_has_the_characters_of_rfc_9110() {
        for byte in 0..=u8::MAX {
            let is_good = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token_character(byte), is_good, "{byte:#04x}");
            assert_eq!(are_in_table(&[b'a', byte]), is_good, "{byte:#04x}");
            assert_eq!(are_token_characters(&[b'a', byte]), is_good);
            let value = [&b"Bearer a"[..], &[byte], b"b"].concat();
            let is_token = matches!(Bearer::from_headers([&value[..]]), Token(_));
            assert_eq!(is_token, is_good, "{byte:#04x}");
        }
    }

    #[test]
    fn no_header_is_absent_and_two_are_malformed() {
        assert_eq!(Bearer::from_headers([]), Absent);
        let two = [&b"Bearer abc"[..], b"Bearer abc"];
        assert_eq!(Bearer::from_headers(two), Malformed);
        assert_eq!(Bearer::from_headers([&b"Basic a"[..], b""]), Malformed);
    }
}
