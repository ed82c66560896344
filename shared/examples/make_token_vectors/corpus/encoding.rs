//! B: base64url, of which one spelling per byte string is taken.

use super::case::Case;
use super::mint::{
    Members, base64, base64url, good_token, main_key, signed_by, split, with_signature,
};
use ed25519_dalek::Signer as _;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = padding();
    cases.extend(standard_alphabet());
    cases.extend(trailing_bits());
    cases.extend(lengths());
    cases.extend(blanks());
    cases.extend(signature_lengths());
    cases
}

/// A token whose input is signed as it stands, so that nothing but its spelling speaks against it.
fn signed_input(input: &str) -> String {
    with_signature(input, main_key().sign(input.as_bytes()).to_bytes())
}

fn padding() -> Vec<Case> {
    let good = good_token();
    let [h, p, s] = split(&good);
    [
        (
            "one = behind the signature",
            format!("{h}.{p}.{s}="),
            "bad_signature_len",
        ),
        (
            "two = behind the signature",
            format!("{h}.{p}.{s}=="),
            "bad_signature_len",
        ),
        (
            "two = in the signature's place of two letters",
            format!("{h}.{p}.{}==", &s[..84]),
            "bad_base64",
        ),
        (
            "= behind the header",
            signed_input(&format!("{h}=.{p}")),
            "bad_base64",
        ),
        (
            "== behind the header",
            signed_input(&format!("{h}==.{p}")),
            "bad_base64",
        ),
        (
            "= behind the payload",
            signed_input(&format!("{h}.{p}=")),
            "bad_base64",
        ),
        (
            "== behind the payload",
            signed_input(&format!("{h}.{p}==")),
            "bad_base64",
        ),
        (
            "%3D%3D behind the signature",
            format!("{h}.{p}.{s}%3D%3D"),
            "bad_signature_len",
        ),
    ]
    .map(|(note, token, code)| Case::new("B01", note, token, code))
    .into()
}

fn standard_alphabet() -> Vec<Case> {
    let with_both = (0..).map(|n| {
        let claims = Members::claims().with("jti", &format!("\"j?>{n}~~\""));
        signed_by(&main_key(), Members::header().text(), claims.text())
    });
    let good = with_both
        .into_iter()
        .find(|token| {
            let [_, p, s] = split(token);
            p.contains(['-', '_']) && s.contains('-') && s.contains('_')
        })
        .expect("one of endlessly many");
    let [h, p, s] = split(&good);
    let standard = |text: &str| text.replace('-', "+").replace('_', "/");
    [
        (
            "+ and / in the signature",
            format!("{h}.{p}.{}", standard(s)),
        ),
        (
            "+ alone in the signature",
            format!("{h}.{p}.{}", s.replace('-', "+")),
        ),
        (
            "/ alone in the signature",
            format!("{h}.{p}.{}", s.replace('_', "/")),
        ),
        (
            "+ or / in the payload, and signed so",
            signed_input(&format!("{h}.{}", standard(p))),
        ),
        (
            "other characters in the header, and signed so",
            signed_input(&format!("{h}!*~$.{p}")),
        ),
    ]
    .map(|(note, token)| Case::new("B02", note, token, "bad_base64"))
    .into()
}

/// Every spelling of a segment's last character that leaves the decoded bytes as they are.
fn respellings(segment: &str) -> Vec<String> {
    let unused = match segment.len() % 4 {
        2 => 16,
        3 => 4,
        _ => 1,
    };
    let (start, last) = segment.split_at(segment.len() - 1);
    let value = ALPHABET.iter().position(|c| [*c] == *last.as_bytes());
    let value = value.expect("a character of base64url");
    assert_eq!(value % unused, 0, "canonical");
    (1..unused)
        .map(|bits| format!("{start}{}", char::from(ALPHABET[value + bits])))
        .collect()
}

fn trailing_bits() -> Vec<Case> {
    let good = good_token();
    let [h, p, s] = split(&good);
    let mut cases: Vec<Case> = respellings(s)
        .into_iter()
        .map(|other| {
            let note = format!("signature with trailing bits: …{}", &other[84..]);
            Case::new("B03", &note, format!("{h}.{p}.{other}"), "bad_base64")
        })
        .collect();
    assert_eq!(cases.len(), 15);
    for blanks in ["", " ", "  "] {
        let header = base64url(Members::header().text() + blanks);
        let payload = base64url(Members::claims().text() + blanks);
        for other in respellings(&header) {
            let note = format!("header with trailing bits, and signed so: {other}");
            let token = signed_input(&format!("{other}.{p}"));
            cases.push(Case::new("B04", &note, token, "bad_base64"));
        }
        for other in respellings(&payload) {
            let note = format!("payload with trailing bits: …{}", &other[other.len() - 4..]);
            let token = signed_input(&format!("{h}.{other}"));
            cases.push(Case::new("B04", &note, token, "bad_base64"));
        }
    }
    cases
}

/// Segments that no number of bytes encodes to.
fn lengths() -> Vec<Case> {
    let header = base64url(Members::header().text());
    let payload = base64url(Members::claims().text());
    let cut = |segment: &str| segment[..segment.len() / 4 * 4 - 3].to_owned();
    [
        (
            "a header of 4n + 1 characters",
            signed_input(&format!("{}.{payload}", cut(&header))),
        ),
        (
            "a payload of 4n + 1 characters",
            signed_input(&format!("{header}.{}", cut(&payload))),
        ),
        (
            "a header of one character",
            signed_input(&format!("e.{payload}")),
        ),
        (
            "a payload of one character",
            signed_input(&format!("{header}.e")),
        ),
        (
            "a good payload and one character more",
            signed_input(&format!("{header}.{}A", base64url(padded_to_quads()))),
        ),
    ]
    .map(|(note, token)| Case::new("B05", note, token, "bad_base64"))
    .into()
}

fn padded_to_quads() -> String {
    let mut text = Members::claims().text();
    while !text.len().is_multiple_of(3) {
        text.push(' ');
    }
    text
}

fn blanks() -> Vec<Case> {
    let good = good_token();
    let [h, p, s] = split(&good);
    let mut cases = Vec::new();
    for (name, blank) in [
        ("a space", " "),
        ("a tab", "\t"),
        ("a line feed", "\n"),
        ("CR LF", "\r\n"),
        ("NUL", "\0"),
    ] {
        let within = |text: &str| {
            let (start, end) = text.split_at(8);
            format!("{start}{blank}{end}")
        };
        let same_length = format!("{blank}{}", &s[blank.len()..]);
        for (place, token, code) in [
            (
                "the header",
                signed_input(&format!("{}.{p}", within(h))),
                "bad_base64",
            ),
            (
                "the payload",
                signed_input(&format!("{h}.{}", within(p))),
                "bad_base64",
            ),
            (
                "the signature",
                format!("{h}.{p}.{}", within(s)),
                "bad_signature_len",
            ),
            (
                "the signature, in place of a letter",
                format!("{h}.{p}.{same_length}"),
                "bad_base64",
            ),
        ] {
            cases.push(Case::new("B06", &format!("{name} in {place}"), token, code));
        }
    }
    cases
}

fn signature_lengths() -> Vec<Case> {
    let good = good_token();
    let [h, p, s] = split(&good);
    let input = format!("{h}.{p}");
    let bytes = main_key().sign(input.as_bytes()).to_bytes();
    let of_bytes = |bytes: &[u8]| with_signature(&input, bytes);
    [
        ("63 bytes", of_bytes(&bytes[..63])),
        ("65 bytes", of_bytes(&[&bytes[..], &[0]].concat())),
        ("66 bytes", of_bytes(&[&bytes[..], &[0, 0]].concat())),
        ("one byte", of_bytes(&[0])),
        ("32 bytes", of_bytes(&bytes[..32])),
        (
            "128 bytes, the signature twice",
            of_bytes(&[bytes, bytes].concat()),
        ),
        ("114 bytes, the length of Ed448", of_bytes(&[0; 114])),
        ("256 bytes, the length of RS256", of_bytes(&[1; 256])),
        ("85 characters", format!("{input}.{}", &s[..85])),
        ("87 characters", format!("{input}.{s}A")),
        ("hexadecimal", format!("{input}.{}", hex(&bytes))),
        (
            "standard base64 with padding",
            format!("{input}.{}", base64(&bytes)),
        ),
    ]
    .map(|(note, token)| Case::new("B07", note, token, "bad_signature_len"))
    .into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
