//! A new master key takes the place of the old one while issuers run: docs/KEYS.md has the order.

use serde_json::{Value, json};
use signet_testbed::postgres;

use super::harness::{
    Ended, PASSWORD, Running, Signet, body, json as parsed, openssl, soon, status,
};

const ROOT: [&str; 8] = [
    "user",
    "create",
    "--email",
    "root@example.com",
    "--role",
    "admin",
    "--verified",
    "--password-stdin",
];

/// A key made the way the program's own advice makes one.
fn random_master_key() -> String {
    let standard = openssl(&["rand", "-base64", "32"], "");
    let key = standard.trim().trim_end_matches('=');
    key.replace('+', "-").replace('/', "_")
}

fn said(ended: &Ended) -> String {
    format!("{}{}", ended.out, ended.err)
}

fn create(signet: &Signet) {
    let created = signet.run_with_input(&ROOT, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", said(&created));
}

fn log_in(server: &Running) -> Value {
    let login = json!({ "email": "root@example.com", "password": PASSWORD });
    let answer = server.post_json("/v1/login", &login);
    assert_eq!(status(&answer), 200, "{answer}");
    parsed(&answer)
}

/// The next refresh token.
fn refreshed(server: &Running, refresh_token: &Value) -> Value {
    let request = json!({ "refresh_token": refresh_token });
    let answer = server.post_json("/v1/token/refresh", &request);
    assert_eq!(status(&answer), 200, "{answer}");
    parsed(&answer)["refresh_token"].clone()
}

fn me(server: &Running, session: &Value) -> u16 {
    server.me(session["access_token"].as_str().unwrap())
}

fn reseal(signet: &Signet) -> Value {
    let ended = signet.run(&["keys", "reseal", "--json"]);
    assert_eq!(ended.code, 0, "{}", said(&ended));
    serde_json::from_str(&ended.out).unwrap()
}

fn key_set(server: &Running) -> String {
    body(&server.get("/.well-known/jwks.json")).to_owned()
}

/// Two issuers of one database, and a session that goes on whatever happens.
struct Pair {
    issuers: Vec<Running>,
    refresh_token: Value,
}

impl Pair {
    fn start(configuration: &Signet) -> Self {
        create(configuration);
        let issuers = vec![configuration.serve(), configuration.serve()];
        let refresh_token = log_in(&issuers[0])["refresh_token"].clone();
        let mut pair = Self {
            issuers,
            refresh_token,
        };
        pair.check();
        pair
    }

    /// Takes one issuer's place with another one, and has new keys made where both run.
    fn replace_one_after_the_other(&mut self, configuration: &Signet) {
        for place in 0..2 {
            let old = self.issuers.remove(place);
            old.signal("TERM");
            assert_eq!(old.ended().code, 0);
            self.issuers.insert(place, configuration.serve());
            self.check();
            self.revoke_the_active_key(configuration);
            self.check();
        }
    }

    /// At each, people log in and out, and the session goes on.
    fn check(&mut self) {
        for issuer in &self.issuers {
            let session = log_in(issuer);
            assert_eq!(me(issuer, &session), 200);
            let logout = json!({ "refresh_token": session["refresh_token"] });
            assert_eq!(status(&issuer.post_json("/v1/logout", &logout)), 204);
            self.refresh_token = refreshed(issuer, &self.refresh_token);
        }
    }

    /// The keys that take over are sealed under the master key of this configuration, and all
    /// have to open them.
    fn revoke_the_active_key(&self, configuration: &Signet) {
        let listed = configuration.run(&["keys", "list", "--json"]);
        assert_eq!(listed.code, 0, "{}", said(&listed));
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        let keys = listed["keys"].as_array().unwrap();
        let active = keys.iter().find(|key| key["state"] == "active").unwrap();
        let kid = active["kid"].as_str().unwrap();
        let revoked = configuration.run(&["keys", "revoke", kid, "--now", "--json"]);
        assert_eq!(revoked.code, 0, "{}", said(&revoked));
        let revoked: Value = serde_json::from_str(&revoked.out).unwrap();
        let published = revoked["next"].as_str().unwrap();
        for issuer in &self.issuers {
            soon("an issuer takes the new keys", || {
                let keys = key_set(issuer);
                keys.contains(published) && !keys.contains(kid)
            });
        }
    }
}

#[test]
fn in_the_order_of_the_manual_everybody_can_log_in_at_every_step() {
    let database = postgres().database();
    let (old, new) = (random_master_key(), random_master_key());
    let signet = |key: &str| {
        Signet::new()
            .with("SIGNET_DATABASE_URL", &database.url())
            .with("SIGNET_MASTER_KEY", key)
    };
    let beside =
        |key: &str, previous: &str| signet(key).with("SIGNET_MASTER_KEY_PREVIOUS", previous);
    let mut pair = Pair::start(&signet(&old));
    // The first two steps: the new one, made and given to all as the one that only opens.
    pair.replace_one_after_the_other(&beside(&old, &new));
    // The third: swapped.
    let swapped = beside(&new, &old);
    pair.replace_one_after_the_other(&swapped);
    // The fourth, and once more.
    let report = reseal(&swapped);
    assert!(report["resealed"].as_u64().unwrap() >= 4, "{report}");
    assert_eq!(report["others"], json!({}), "{report}");
    pair.check();
    assert_eq!(reseal(&swapped)["resealed"], 0);
    // The last: without the old one, which opens nothing any more.
    pair.replace_one_after_the_other(&signet(&new));
    let late = signet(&old).run(&["keys", "list"]);
    assert_eq!(late.code, 1, "{}", said(&late));
}

#[test]
fn an_issuer_that_was_not_given_the_new_one_goes_on_with_the_keys_it_knows() {
    let (old, new) = (random_master_key(), random_master_key());
    let before = Signet::new().with("SIGNET_MASTER_KEY", &old);
    let server = before.serve();
    create(&before);
    let session = log_in(&server);
    // Without the old one nothing opens.
    let lost = before.beside().with("SIGNET_MASTER_KEY", &new);
    let ended = lost.run(&["keys", "list"]);
    assert_eq!(ended.code, 1, "{}", said(&ended));

    let both = before
        .beside()
        .with("SIGNET_MASTER_KEY", &new)
        .with("SIGNET_MASTER_KEY_PREVIOUS", &old);
    let report = reseal(&both);
    assert!(report["resealed"].as_u64().unwrap() >= 4, "{report}");
    assert_eq!(reseal(&both)["resealed"], 0);

    assert_eq!(me(&server, &session), 200);
    refreshed(&server, &session["refresh_token"]);
    let after = before.beside().with("SIGNET_MASTER_KEY", &new);
    let ended = after.run(&["keys", "list"]);
    assert_eq!(ended.code, 0, "{}", said(&ended));
    drop(server);
    let late = before.beside().run(&["keys", "list"]);
    assert_eq!(late.code, 1, "{}", said(&late));
    log_in(&after.serve());
}
