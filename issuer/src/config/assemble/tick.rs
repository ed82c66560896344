//! The token of whoever drives the issuer from outside.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::fault::Faults;
use crate::config::keys::{Optional, Values};
use crate::config::setting::Refusal;
use crate::http::tick::TickToken;

const KEY: &str = "tick.token_file";
/// How an operator gets a token.
const MAKE_ONE: &str = "make one with `openssl rand -base64 32`";

/// `None` where nobody may, or where the file has a fault.
pub(super) fn token(values: &Values, faults: &mut Faults) -> Option<TickToken> {
    let Optional::Set(file) = &values.tick_token_file else {
        return None;
    };
    match read(&file.value.0) {
        Ok(token) => Some(token),
        Err(refusal) => {
            let hint = refusal.hint.unwrap_or_default();
            faults.add(KEY, Some(&file.origin), refusal.problem, hint);
            None
        }
    }
}

/// Whoever may read the file is none of our business, unlike with a master key: platforms hand files
/// over that all of a container can read, and all that the token allows is to work sooner.
fn read(path: &Path) -> Result<TickToken, Refusal> {
    let text = fs::read_to_string(path).map_err(|error| {
        Refusal::with_hint(
            format!("can't read {}: {error}", path.display()),
            "name a file that this process may read",
        )
    })?;
    let text = Zeroizing::new(text);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    TickToken::new(line).ok_or_else(|| {
        let problem = format!(
            "is no token: {} must hold one line of {} to {} letters, digits and `-._~+/=`",
            path.display(),
            TickToken::SHORTEST,
            TickToken::LONGEST
        );
        Refusal::with_hint(problem, MAKE_ONE)
    })
}
