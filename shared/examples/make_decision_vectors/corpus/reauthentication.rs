//! The age of the login: which refusals ask for a new one, and how old it may be.

use super::NOW;
use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

/// The decision that a rule comes to.
#[derive(Clone, Copy)]
enum Answer {
    Yes,
    /// After a login, which may be at most that old.
    Login(u64),
    No,
}

use Answer::{Login, No, Yes};

/// A condition, and what it says to tokens of some roles whose login is that old.
struct Row {
    allow: &'static str,
    roles: &'static [&'static str],
    answers: &'static [(Option<u64>, Answer)],
}

/// Nobody knows when.
const UNKNOWN: Option<u64> = None;

const ROWS: &[Row] = &[
    Row {
        allow: r#"{ fresh_within = "5m" }"#,
        roles: &[],
        answers: &[
            (Some(0), Yes),
            (Some(299), Yes),
            (Some(300), Yes),
            (Some(301), Login(300)),
            (Some(100_000), Login(300)),
            (Some(NOW), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    Row {
        allow: r#"{ fresh_within = "0s" }"#,
        roles: &[],
        answers: &[(Some(0), Yes), (Some(1), Login(0)), (UNKNOWN, Login(0))],
    },
    Row {
        allow: r#"{ fresh_within = "90s" }"#,
        roles: &[],
        answers: &[(Some(90), Yes), (Some(91), Login(90))],
    },
    Row {
        allow: r#"{ fresh_within = "2h" }"#,
        roles: &[],
        answers: &[(Some(7_200), Yes), (Some(7_201), Login(7_200))],
    },
    Row {
        allow: r#"{ fresh_within = "30d" }"#,
        roles: &[],
        answers: &[(Some(2_592_000), Yes), (Some(2_592_001), Login(2_592_000))],
    },
    Row {
        allow: r#"{ all = [{ role = "admin" }, { fresh_within = "5m" }] }"#,
        roles: &["admin"],
        answers: &[
            (Some(300), Yes),
            (Some(301), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    Row {
        allow: r#"{ all = [{ role = "admin" }, { fresh_within = "5m" }] }"#,
        roles: &["user"],
        answers: &[(Some(0), No), (Some(301), No), (UNKNOWN, No)],
    },
    Row {
        allow: r#"{ any = [{ role = "admin" }, { fresh_within = "5m" }] }"#,
        roles: &["admin"],
        answers: &[(Some(301), Yes), (UNKNOWN, Yes)],
    },
    Row {
        allow: r#"{ any = [{ role = "admin" }, { fresh_within = "5m" }] }"#,
        roles: &["user"],
        answers: &[
            (Some(300), Yes),
            (Some(301), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    Row {
        allow: r#"{ all = [{ fresh_within = "5m" }, { fresh_within = "1m" }] }"#,
        roles: &[],
        answers: &[
            (Some(60), Yes),
            (Some(61), Login(60)),
            (Some(301), Login(60)),
        ],
    },
    Row {
        allow: r#"{ any = [{ fresh_within = "1m" }, { fresh_within = "5m" }] }"#,
        roles: &[],
        answers: &[(Some(61), Yes), (Some(300), Yes), (Some(301), Login(300))],
    },
    // A new login only makes it worse.
    Row {
        allow: r#"{ not = { fresh_within = "5m" } }"#,
        roles: &[],
        answers: &[
            (Some(0), No),
            (Some(300), No),
            (Some(301), Yes),
            (UNKNOWN, Yes),
        ],
    },
    Row {
        allow: r#"{ not = { not = { fresh_within = "5m" } } }"#,
        roles: &[],
        answers: &[
            (Some(300), Yes),
            (Some(301), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    Row {
        allow: r#"{ all = [{ not = { role = "banned" } }, { fresh_within = "5m" }] }"#,
        roles: &["banned"],
        answers: &[(Some(0), No), (Some(301), No)],
    },
    Row {
        allow: r#"{ not = { any = [{ role = "banned" }, { not = { fresh_within = "5m" } }] } }"#,
        roles: &["user"],
        answers: &[
            (Some(300), Yes),
            (Some(301), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    Row {
        allow: r#"{ not = { any = [{ role = "banned" }, { not = { fresh_within = "5m" } }] } }"#,
        roles: &["banned"],
        answers: &[(Some(0), No), (UNKNOWN, No)],
    },
    // Two roles, two ages.
    Row {
        allow: r#"{ any = [{ all = [{ role = "admin" }, { fresh_within = "15m" }] }, { fresh_within = "5m" }] }"#,
        roles: &["admin"],
        answers: &[(Some(301), Yes), (Some(900), Yes), (Some(901), Login(900))],
    },
    Row {
        allow: r#"{ any = [{ all = [{ role = "admin" }, { fresh_within = "15m" }] }, { fresh_within = "5m" }] }"#,
        roles: &["user"],
        answers: &[
            (Some(300), Yes),
            (Some(301), Login(300)),
            (Some(901), Login(300)),
        ],
    },
    // A gap: up to a minute, and again from five minutes to fifteen.
    Row {
        allow: r#"{ any = [{ fresh_within = "1m" }, { all = [{ not = { fresh_within = "5m" } }, { fresh_within = "15m" }] }] }"#,
        roles: &[],
        answers: &[
            (Some(60), Yes),
            (Some(61), Login(60)),
            (Some(300), Login(60)),
            (Some(301), Yes),
            (Some(900), Yes),
            (Some(901), Login(60)),
            (UNKNOWN, Login(60)),
        ],
    },
    // No gap: the second part begins where the first ends.
    Row {
        allow: r#"{ any = [{ fresh_within = "1m" }, { all = [{ not = { fresh_within = "1m" } }, { fresh_within = "5m" }] }] }"#,
        roles: &[],
        answers: &[
            (Some(61), Yes),
            (Some(300), Yes),
            (Some(301), Login(300)),
            (UNKNOWN, Login(300)),
        ],
    },
    // A gap of one second.
    Row {
        allow: r#"{ any = [{ fresh_within = "60s" }, { all = [{ not = { fresh_within = "61s" } }, { fresh_within = "5m" }] }] }"#,
        roles: &[],
        answers: &[
            (Some(60), Yes),
            (Some(61), Login(60)),
            (Some(62), Yes),
            (Some(301), Login(60)),
        ],
    },
    // Nothing but the gap: young logins are refused, and so are old ones.
    Row {
        allow: r#"{ all = [{ not = { fresh_within = "1m" } }, { fresh_within = "5m" }] }"#,
        roles: &[],
        answers: &[
            (Some(0), No),
            (Some(60), No),
            (Some(61), Yes),
            (Some(301), No),
            (UNKNOWN, No),
        ],
    },
    // Always true, and never.
    Row {
        allow: r#"{ any = [{ fresh_within = "5m" }, { not = { fresh_within = "5m" } }] }"#,
        roles: &[],
        answers: &[(Some(0), Yes), (Some(301), Yes), (UNKNOWN, Yes)],
    },
    Row {
        allow: r#"{ all = [{ fresh_within = "5m" }, { not = { fresh_within = "5m" } }] }"#,
        roles: &[],
        answers: &[(Some(0), No), (Some(301), No), (UNKNOWN, No)],
    },
    // The subject decides whether a login would help.
    Row {
        allow: r#"{ all = [{ subject = "{user}" }, { fresh_within = "5m" }] }"#,
        roles: &[],
        answers: &[(Some(300), Yes), (Some(301), Login(300))],
    },
    Row {
        allow: r#"{ all = [{ not = { subject = "{user}" } }, { fresh_within = "5m" }] }"#,
        roles: &[],
        answers: &[(Some(300), No), (Some(301), No)],
    },
    Row {
        allow: r#"{ any = [{ permission = "agents:read" }, { fresh_within = "5m" }] }"#,
        roles: &["support"],
        answers: &[(Some(301), Yes), (UNKNOWN, Yes)],
    },
];

/// The family.
pub(crate) fn file() -> DecisionFile {
    let mut rules = String::from("[roles]\nsupport = [\"agents:read\"]\n");
    for (at, row) in ROWS.iter().enumerate() {
        let rule = format!(
            "\n[[rule]]\nid = \"rule-{at}\"\npath = \"/rule-{at}/{{user}}\"\nallow = {}\n",
            row.allow
        );
        rules.push_str(&rule);
    }
    DecisionFile {
        name: "reauthentication",
        about: "The age of the login: which refusals ask for a new one, and how old it may be.",
        policies: vec![("ages", policies::with(&rules))],
        cases: [rows(), clocks()].concat(),
    }
}

fn decision(rule: &str, token: &Token, answer: Answer) -> Expected {
    match answer {
        Yes => Expected::allow_as(rule, token),
        Login(max_age) => Expected::deny(rule, Refusal::Reauthentication(max_age)),
        No => Expected::deny(rule, Refusal::InsufficientScope),
    }
}

fn rows() -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, row) in ROWS.iter().enumerate() {
        let rule = format!("rule-{at}");
        for (age, answer) in row.answers {
            let token = Token::new().roles(row.roles);
            let (token, age) = match age {
                Some(age) => (token.login_age(*age), format!("{age} seconds ago")),
                None => (token, "nobody knows when".into()),
            };
            let request = Request::get(&format!("/{rule}/usr_1")).bearer(&token);
            let expected = decision(&rule, &token, *answer);
            cases.push(Case::new(
                "401 where a login helps, max_age is the greatest N for all of 0 to N; else 403",
                format!("{}, roles {:?}, login {age}", row.allow, row.roles),
                request,
                expected,
            ));
        }
    }
    cases
}

/// The age is counted without leeway, and a login in the future is a new one.
fn clocks() -> Vec<Case> {
    let case = |note: &str, token: Token, answer| {
        let request = Request::get("/rule-0/usr_1").bearer(&token);
        let expected = decision("rule-0", &token, answer);
        Case::new(
            "at most that, inclusive, no leeway",
            note,
            request,
            expected,
        )
    };
    let token = Token::new();
    vec![
        case(
            "a login in 10 seconds",
            token.clone().with("auth_time", NOW + 10),
            Yes,
        ),
        case(
            "a login in a year",
            token.clone().with("auth_time", NOW + 31_536_000),
            Yes,
        ),
        case("no leeway, 300 seconds", token.clone().login_age(300), Yes).leeway(0),
        case(
            "no leeway, 301 seconds",
            token.clone().login_age(301),
            Login(300),
        )
        .leeway(0),
        case(
            "much leeway, 301 seconds",
            token.clone().login_age(301),
            Login(300),
        )
        .leeway(60),
        case(
            "a login at the beginning of time",
            token.with("auth_time", 0),
            Login(300),
        ),
    ]
}
