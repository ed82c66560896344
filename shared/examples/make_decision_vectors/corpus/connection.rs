//! `Connection`, whose options are headers that the next hop takes away. One that the gate or
//! upstream relies on is 400.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::policies;
use super::request::Request;
use super::token::Token;

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "connection",
        about: "Connection, and what it may not name.",
        policies: vec![policies::usual()],
        cases: [refused(), everywhere(), fine()].concat(),
    }
}

fn refused() -> Vec<Case> {
    let values = [
        "authorization",
        "Authorization",
        "AUTHORIZATION",
        " authorization ",
        "\tauthorization\t",
        "close, authorization",
        "Authorization,close",
        "keep-alive,\tAuthorization ,upgrade",
        ",,authorization,,",
        "\u{ff}, authorization",
        "x-signet-sub",
        "X-Signet-Permissions",
        "X_Signet_Sub",
        "close, x-signet_sub",
        "x-signet-",
        "x-signet-anything-else",
        "x-http-method-override",
        "X_HTTP_Method_Override",
        "x-http-method",
        "close, X-Http_Method",
        "x-method-override",
        "x_method_override",
        "x-original-url",
        "X-ORIGINAL_URL",
        "x-rewrite-url",
        "close,x_rewrite_url",
    ];
    values
        .map(|value| {
            Case::new(
                "a Connection value naming one of the removed, or authorization, is 400",
                format!("{value:?}, on a public path"),
                Request::get("/healthz").header("Connection", value),
                Expected::invalid_request(),
            )
        })
        .into()
}

/// Every kind of rule, and the other ways to write it.
fn everywhere() -> Vec<Case> {
    let proves = "a Connection value naming one of the removed, or authorization, is 400";
    let case = |note: &str, request| Case::new(proves, note, request, Expected::invalid_request());
    let token = Token::new();
    let tricked = |path: &str| Request::get(path).header("Connection", "close, Authorization");
    vec![
        case(
            "on a path for whoever has a token",
            tricked("/profile").bearer(&token),
        ),
        case("on an optional path", tricked("/greeting")),
        case(
            "on a path without a rule",
            tricked("/nowhere").bearer(&token),
        ),
        case("without a token", tricked("/profile")),
        case(
            "in the second of two headers",
            Request::get("/healthz")
                .header("Connection", "close")
                .header("connection", "authorization"),
        ),
        case(
            "in the first of two headers",
            Request::get("/healthz")
                .header("CONNECTION", "authorization")
                .header("Connection", "close"),
        ),
        Case::new(
            proves,
            "what goes is told all the same",
            Request::get("/healthz")
                .headers(&[("X-Signet-Sub", "usr_1"), ("Connection", "x-signet-sub")]),
            Expected::invalid_request().removing(&["x-signet-sub"]),
        ),
    ]
}

fn fine() -> Vec<Case> {
    let token = Token::new();
    let proves = "other options are nobody's business";
    let mut cases: Vec<Case> = [
        "",
        ",",
        "close",
        "keep-alive, Upgrade",
        "te, trailers",
        "cookie",
        "host",
        "x-signet",
        "xx-signet-sub",
        "x-signetsub",
        "authorization-x",
        "x-authorization",
        "proxy-authorization",
        "x-http-method-overrides",
        "x-original",
        "\u{ff}",
    ]
    .map(|value| {
        let request = Request::get("/profile").header("Connection", value);
        let expected = Expected::allow_as("profile", &token);
        Case::new(
            proves,
            format!("{value:?}"),
            request.bearer(&token),
            expected,
        )
    })
    .into();
    cases.push(Case::new(
        proves,
        "another header that says so",
        Request::get("/profile").headers(&[
            ("Proxy-Connection", "authorization"),
            ("X-Connection", "x-signet-sub"),
            ("Cookie", "authorization"),
            ("Cache-Control", "authorization"),
        ]),
        Expected::deny("profile", Refusal::MissingToken),
    ));
    cases
}
