//! `typ`: an access token and no other kind of token.

use super::super::case::{ACCEPT, Case};
use super::super::mint::Members;
use super::of;

/// H21 to H23.
pub(crate) fn cases() -> Vec<Case> {
    let typ = |value: &str| Members::header().with("typ", value);
    let mut cases = vec![of(
        "H21",
        "no typ",
        &Members::header().without("typ"),
        "bad_typ",
    )];
    for value in [
        "\"JWT\"",
        "\"jwt\"",
        "\"logout+jwt\"",
        "\"dpop+jwt\"",
        "\"statuslist+jwt\"",
        "\"id_token\"",
        "\"\"",
        "5",
        "null",
        "[\"at+jwt\"]",
        "\"at+jwt \"",
        "\" at+jwt\"",
        "\"at+jwt;v=1\"",
        "\"application/jwt\"",
        "\"text/at+jwt\"",
        "\"application/\"",
        "\"application//at+jwt\"",
        "\"application/application/at+jwt\"",
        "\"at jwt\"",
        "\"at+jwt\\u0000\"",
        "\"at\u{ff0b}jwt\"",
        "\"revocation+jwt\"",
    ] {
        cases.push(of("H22", &format!("typ {value}"), &typ(value), "bad_typ"));
    }
    for value in [
        "\"at+jwt\"",
        "\"AT+JWT\"",
        "\"At+Jwt\"",
        "\"application/at+jwt\"",
        "\"APPLICATION/AT+JWT\"",
        "\"Application/at+jwt\"",
        "\"application\\/at+jwt\"",
    ] {
        cases.push(of("H23", &format!("typ {value}"), &typ(value), ACCEPT));
    }
    cases
}
