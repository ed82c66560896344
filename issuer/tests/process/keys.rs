//! `signet keys`: the lives of keys in an operator's hands, beside an issuer that runs.

use std::fs;

use serde_json::{Value, json};

use super::harness::{Ended, PASSWORD, Running, Signet, body, json as parsed, openssl, soon};

fn keys(signet: &Signet) -> Vec<Value> {
    let ended = signet.run(&["keys", "list", "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let listed: Value = serde_json::from_str(&ended.out).unwrap();
    listed["keys"].as_array().unwrap().clone()
}

fn kid_of(keys: &[Value], state: &str) -> Option<String> {
    let found = keys.iter().find(|key| key["state"] == state)?;
    Some(found["kid"].as_str().unwrap().to_owned())
}

fn published(server: &Running) -> Vec<String> {
    let jwks = parsed(&server.get("/.well-known/jwks.json"));
    let keys = jwks["keys"].as_array().unwrap();
    let kids = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned());
    kids.collect()
}

/// An admin's access token.
fn log_in(signet: &Signet, server: &Running) -> (String, String) {
    let created = signet.run_with_input(
        &[
            "user",
            "create",
            "--email",
            "root@example.com",
            "--role",
            "admin",
            "--verified",
            "--password-stdin",
        ],
        PASSWORD.as_bytes(),
    );
    assert_eq!(created.code, 0, "{}", created.err);
    let login = json!({ "email": "root@example.com", "password": PASSWORD });
    let session = parsed(&server.post_json("/v1/login", &login));
    let text = |member: &str| session[member].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn said(ended: &Ended) -> String {
    format!("{}{}", ended.out, ended.err)
}

#[test]
fn a_stolen_key_is_revoked_and_everybody_goes_on_after_one_refresh() {
    let signet = Signet::new();
    let server = signet.serve();
    soon("the next key is published", || {
        kid_of(&keys(&signet), "next").is_some()
    });
    let (access, refresh) = log_in(&signet, &server);
    assert_eq!(server.me(&access), 200);
    let stolen = kid_of(&keys(&signet), "active").unwrap();
    let next = kid_of(&keys(&signet), "next").unwrap();

    let ended = signet.run(&["keys", "revoke", &stolen, "--now"]);
    assert_eq!(ended.code, 0, "{}", said(&ended));
    assert!(ended.out.contains(&format!("{next} signs from now on")));
    soon("the key is published no more", || {
        let kids = published(&server);
        !kids.contains(&stolen) && kids.contains(&next)
    });
    soon("what it signed is refused", || server.me(&access) == 401);
    let feed = server.get("/.well-known/signet-revocations");
    let claims = body(&feed).split('.').nth(1).unwrap().to_owned();
    let claims = String::from_utf8(decoded(&claims)).unwrap();
    assert!(claims.contains(&stolen), "{claims}");
    let body = json!({ "refresh_token": refresh });
    let session = parsed(&server.post_json("/v1/token/refresh", &body));
    let access = session["access_token"].as_str().unwrap();
    assert_eq!(server.me(access), 200);

    let again = signet.run(&["keys", "revoke", &stolen, "--now"]);
    assert_eq!(again.code, 1, "{}", said(&again));
    let unknown = signet.run(&["keys", "revoke", "nothing"]);
    assert_eq!(unknown.code, 1, "{}", said(&unknown));
    let verified = signet.run(&["audit", "verify", "--json"]);
    assert_eq!(verified.code, 0, "{}", said(&verified));
}

/// base64url without a library: the alphabet is short.
fn decoded(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let value = alphabet.iter().position(|one| *one == byte).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn a_key_that_was_published_too_short_a_time_ago_does_not_sign_yet() {
    let signet = Signet::new();
    let _server = signet.serve();
    soon("the next key is published", || {
        kid_of(&keys(&signet), "next").is_some()
    });
    let before = keys(&signet);
    let ended = signet.run(&["keys", "rotate"]);
    assert_eq!(ended.code, 1, "{}", said(&ended));
    assert!(ended.err.contains("too short a time ago"), "{}", ended.err);
    let until = ended.err.contains("Z, which is when it may sign");
    assert!(until, "{}", ended.err);
    assert_eq!(keys(&signet), before);
}

/// RFC 8410, section 10.3: a key that everybody can read.
const PUBLISHED: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

#[test]
fn a_key_is_brought_along_and_what_is_none_is_told_so() {
    let signet = Signet::new();
    let _server = signet.serve();
    let file = signet.folder().join("key.pem");
    let import = |text: &str| {
        fs::write(&file, text).unwrap();
        signet.run(&["keys", "import", file.to_str().unwrap()])
    };
    for wrong in [
        "",
        "rubbish",
        PUBLISHED,
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
         -----END PUBLIC KEY-----\n",
        "{\"kty\":\"RSA\"}",
        &"x".repeat(5_000),
    ] {
        let ended = import(wrong);
        assert_eq!(ended.code, 2, "{wrong}: {}", said(&ended));
        assert!(ended.err.contains("key.pem"), "{}", ended.err);
    }
    let pem = openssl(&["genpkey", "-algorithm", "ed25519"], "");
    let ended = import(&pem);
    assert_eq!(ended.code, 0, "{}", said(&ended));
    let next = kid_of(&keys(&signet), "next").unwrap();
    assert!(ended.out.contains(&next), "{}", said(&ended));
    let again = import(&pem);
    assert_eq!(again.code, 1, "{}", said(&again));
    assert!(again.err.contains(&next), "{}", again.err);
    assert!(again.err.contains("is here already"), "{}", again.err);
    assert_eq!(signet.run(&["keys", "revoke", &next, "--now"]).code, 0);
    let late = import(&pem);
    assert_eq!(late.code, 1, "{}", said(&late));
    assert!(late.err.contains("never comes back"), "{}", late.err);

    // Through a pipe it never lies on a disk.
    let import = ["keys", "import", "/dev/stdin", "--json"];
    let other = openssl(&["genpkey", "-algorithm", "ed25519"], "");
    let piped = signet.run_with_input(&import, other.as_bytes());
    assert_eq!(piped.code, 0, "{}", said(&piped));
    let piped: Value = serde_json::from_str(&piped.out).unwrap();
    assert_eq!(piped["active"], Value::Null);
    let next = kid_of(&keys(&signet), "next");
    assert_eq!(piped["next"].as_str(), next.as_deref());
}

#[test]
fn a_key_that_openssl_made_of_another_kind_is_told_what_it_is() {
    let signet = Signet::new();
    let _server = signet.serve();
    soon("the next key is published", || {
        kid_of(&keys(&signet), "next").is_some()
    });
    let before = keys(&signet);
    let file = signet.folder().join("key.pem");
    let path = file.to_str().unwrap();
    let ed25519 = openssl(&["genpkey", "-algorithm", "ed25519"], "");
    let encrypt = ["pkcs8", "-topk8", "-passout", "pass:secret"];
    for (made, told) in [
        (
            openssl(&encrypt, &ed25519),
            "is encrypted; decrypt it first",
        ),
        (openssl(&["pkey", "-pubout"], &ed25519), "is a public key"),
        (
            openssl(&["genpkey", "-algorithm", "X25519"], ""),
            "is an X25519 key; Signet signs with Ed25519",
        ),
        (
            openssl(&["genpkey", "-algorithm", "ED448"], ""),
            "an Ed448 key",
        ),
        (
            openssl(
                &[
                    "genpkey",
                    "-algorithm",
                    "RSA",
                    "-pkeyopt",
                    "rsa_keygen_bits:1024",
                ],
                "",
            ),
            "is an RSA key",
        ),
        (
            openssl(
                &[
                    "genpkey",
                    "-algorithm",
                    "EC",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                ],
                "",
            ),
            "is a key of an elliptic curve of another kind",
        ),
        (format!("{ed25519}{ed25519}"), "is neither"),
    ] {
        fs::write(&file, made).unwrap();
        let ended = signet.run(&["keys", "import", path]);
        assert_eq!(ended.code, 2, "{told}: {}", said(&ended));
        assert!(ended.err.contains(path), "{}", ended.err);
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
        assert!(!said(&ended).contains("PRIVATE"), "{}", said(&ended));
    }
    for nothing in ["missing.pem", "."] {
        let ended = signet.run(&["keys", "import", nothing]);
        assert_eq!(ended.code, 2, "{}", said(&ended));
        assert!(ended.err.contains(nothing), "{}", ended.err);
    }
    assert_eq!(keys(&signet), before);
}
