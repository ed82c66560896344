//! The headers that go, on every route: names that only the gate may set, and names that make
//! upstream see another method or path than the gate did.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::key_set;
use super::policies;
use super::request::Request;
use super::token::Token;

/// Keeps the token from upstream.
const KEEPING: &str = "keeping";

/// The family.
pub(crate) fn file() -> DecisionFile {
    let (_, usual) = policies::usual();
    let keeping = usual.replacen("[roles]", "forward_token = false\n\n[roles]", 1);
    DecisionFile {
        name: "removal",
        about: "The headers that go, on every route.",
        policies: vec![policies::usual(), (KEEPING, keeping)],
        cases: [names(), kept(), sets(), everywhere(), authorization()].concat(),
    }
}

/// One header, which goes under its name in small letters.
fn names() -> Vec<Case> {
    [
        "x-signet-sub",
        "X-Signet-Sub",
        "X-SIGNET-SUB",
        "X_Signet_Sub",
        "x-signet_sub",
        "X_SIGNET-SUB",
        "x-signet-sid",
        "x-signet-client",
        "X-Signet-Roles",
        "x-signet-permissions",
        "x-signet-exp",
        "X-Signet-Rule",
        "x-signet-",
        "X_Signet_",
        "x-signet-code",
        "x-signet-anything-else",
        "x_signet__sub",
        "X-Signet-Caf\u{e9}",
        "x-http-method-override",
        "X-HTTP-Method-Override",
        "X_HTTP_Method_Override",
        "x-http-method",
        "X-Http_Method",
        "x-method-override",
        "X_METHOD_OVERRIDE",
        "X-Original-URL",
        "x_original_url",
        "X-Rewrite-Url",
        "x-rewrite_url",
    ]
    .map(|name| {
        let request = Request::get("/healthz").header(name, "usr_1");
        let gone = name.to_ascii_lowercase();
        let expected = Expected::allow("health").removing(&[&gone]);
        Case::new(
            "X05",
            format!("{name:?}, on a public path"),
            request,
            expected,
        )
    })
    .into()
}

fn kept() -> Vec<Case> {
    let token = Token::new();
    [
        "x-signet",
        "X_Signet",
        "x-signetsub",
        "xx-signet-sub",
        "x--signet-sub",
        "signet-sub",
        "x-sig-net-sub",
        "x.signet.sub",
        "x-http-method-overrides",
        "x-http-methods",
        "http-method-override",
        "x-original-uri",
        "x-original-url-path",
        "x-rewrite",
        "x-forwarded-for",
        "x-forwarded-method",
        "cookie",
        "host",
    ]
    .map(|name| {
        let request = Request::get("/profile").header(name, "usr_1");
        let expected = Expected::allow_as("profile", &token);
        Case::new(
            "X05",
            format!("{name:?} stays"),
            request.bearer(&token),
            expected,
        )
    })
    .into()
}

/// Several headers at once.
fn sets() -> Vec<Case> {
    let proves = "the names that were present and go, lower case, sorted, distinct";
    let case = |note: &str, headers: &[(&str, &str)], gone: &[&str]| {
        let request = Request::get("/healthz").headers(headers);
        Case::new(
            proves,
            note,
            request,
            Expected::allow("health").removing(gone),
        )
    };
    vec![
        case(
            "one name twice",
            &[("x-signet-sub", "a"), ("x-signet-sub", "b")],
            &["x-signet-sub"],
        ),
        case(
            "one name in three cases",
            &[
                ("X-Signet-Sub", "a"),
                ("x-signet-sub", "b"),
                ("X-SIGNET-SUB", "c"),
            ],
            &["x-signet-sub"],
        ),
        case(
            "an underscore makes another name",
            &[
                ("X_Signet_Sub", "a"),
                ("X-Signet-Sub", "b"),
                ("x-signet_sub", "c"),
            ],
            &["x-signet-sub", "x-signet_sub", "x_signet_sub"],
        ),
        case(
            "sorted by bytes, whatever the order they came in",
            &[
                ("x-signet-sub", ""),
                ("X-Rewrite-Url", "/admin"),
                ("x-signet-0", ""),
                ("X-Signet-Roles", "admin"),
                ("x-http-method", "PUT"),
                ("Accept", "*/*"),
                ("x-original-url", "/admin"),
                ("x-signet-", ""),
                ("X-HTTP-Method-Override", "DELETE"),
                ("X-Method-Override", "DELETE"),
            ],
            &[
                "x-http-method",
                "x-http-method-override",
                "x-method-override",
                "x-original-url",
                "x-rewrite-url",
                "x-signet-",
                "x-signet-0",
                "x-signet-roles",
                "x-signet-sub",
            ],
        ),
        case(
            "values that are no text",
            &[("X-Signet-Sub", "\u{ff}\u{fe}"), ("X-Other", "\u{80}")],
            &["x-signet-sub"],
        ),
        case("empty values", &[("X-Signet-Sub", "")], &["x-signet-sub"]),
        case("nothing", &[("Accept", "*/*"), ("User-Agent", "x")], &[]),
    ]
}

const FORGED: (&str, &str) = ("X-Signet-Roles", "admin");
const GONE: [&str; 1] = ["x-signet-roles"];

/// Every kind of decision tells what goes, and what a client claims to be decides nothing.
fn everywhere() -> Vec<Case> {
    let token = Token::new();
    let case = |note: &str, request: Request, expected: Expected| {
        let request = request.headers(&[FORGED]);
        Case::new(
            "on a deny as on an allow",
            note,
            request,
            expected.removing(&GONE),
        )
    };
    let agent = "/v1/agents/7";
    vec![
        case(
            "a public path",
            Request::get("/healthz"),
            Expected::allow("health"),
        ),
        case(
            "an optional path",
            Request::get("/greeting"),
            Expected::allow("greeting"),
        ),
        case(
            "a good token",
            Request::get("/profile").bearer(&token),
            Expected::allow_as("profile", &token),
        ),
        case(
            "no token",
            Request::get("/profile"),
            Expected::deny("profile", Refusal::MissingToken),
        ),
        case(
            "a bad token",
            Request::get("/profile").bearer(&token.clone().forged()),
            Expected::deny("profile", Refusal::InvalidToken("bad_signature")),
        ),
        case(
            "no permission",
            Request::get(agent).bearer(&token),
            Expected::deny("read-agent", Refusal::InsufficientScope),
        ),
        case(
            "a role that only the client claims",
            Request::get("/v1/users/usr_2/a").bearer(&token),
            Expected::deny("own-files", Refusal::InsufficientScope),
        ),
        case(
            "no feed",
            Request::new("POST", "/v1/keys/rotate").bearer(&token),
            Expected::deny("rotate", Refusal::RevocationUnavailable),
        ),
        case(
            "no keys",
            Request::get("/profile").bearer(&token),
            Expected::deny("profile", Refusal::KeysUnavailable),
        )
        .keys(key_set::UNUSABLE),
        case(
            "no rule",
            Request::get("/nowhere").bearer(&token),
            Expected::deny_without_rule(Refusal::NoRule),
        ),
        case(
            "a bad path",
            Request::get("/profile/..").bearer(&token),
            Expected::invalid_request(),
        ),
        case(
            "another method in a header, which nobody looks at",
            Request::get("/healthz"),
            Expected::allow("health"),
        ),
        Case::new(
            "G02",
            "override headers don't change the method or the path",
            Request::get("/healthz").headers(&[
                ("X-HTTP-Method-Override", "DELETE"),
                ("X-Original-URL", "/profile"),
            ]),
            Expected::allow("health").removing(&["x-http-method-override", "x-original-url"]),
        ),
    ]
}

/// `forward_token`, which is true unless the policy says otherwise.
fn authorization() -> Vec<Case> {
    let token = Token::new();
    let proves = "Authorization is forwarded unless forward_token = false";
    let kept = |note: &str, request: Request, expected: Expected| {
        Case::new(proves, note, request, expected)
    };
    let gone = |note: &str, request: Request, expected: Expected| {
        let expected = expected.removing(&["authorization"]);
        Case::new(proves, note, request, expected).policy(KEEPING)
    };
    let profile = || Request::get("/profile").bearer(&token);
    let two = |path: &str| {
        Request::get(path)
            .header("Authorization", "Basic a")
            .header("AUTHORIZATION", "Basic b")
    };
    vec![
        kept(
            "forwarded",
            profile(),
            Expected::allow_as("profile", &token),
        ),
        gone("kept", profile(), Expected::allow_as("profile", &token)),
        gone(
            "kept on a public path",
            Request::get("/healthz").bearer(&token),
            Expected::allow("health"),
        ),
        gone(
            "kept on a public path, of another scheme",
            Request::get("/healthz").header("aUTHORIZATION", "Basic a"),
            Expected::allow("health"),
        ),
        gone(
            "kept on a public path, both of two",
            two("/healthz"),
            Expected::allow("health"),
        ),
        gone(
            "kept where two are 400",
            two("/profile"),
            Expected::invalid_request(),
        ),
        gone(
            "kept, though empty",
            Request::get("/greeting").header("Authorization", ""),
            Expected::allow("greeting"),
        ),
        gone(
            "kept with a bad token",
            Request::get("/profile").bearer(&token.clone().forged()),
            Expected::deny("profile", Refusal::InvalidToken("bad_signature")),
        ),
        Case::new(
            proves,
            "not there",
            Request::get("/healthz"),
            Expected::allow("health"),
        )
        .policy(KEEPING),
        Case::new(
            proves,
            "kept among others",
            profile().headers(&[
                ("X-Signet-Sub", "usr_2"),
                ("Proxy-Authorization", "Basic a"),
            ]),
            Expected::allow_as("profile", &token).removing(&["authorization", "x-signet-sub"]),
        )
        .policy(KEEPING),
    ]
}
