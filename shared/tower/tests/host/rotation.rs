//! Many requests at once, while keys change under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use serde_json::json;
use signet_tower::{Principal, SignetLayer, read_policy};
use tower::ServiceExt as _;

use crate::issuer::{Behaviour, Issuer, jwks, policy};

/// How often keys change.
const TURNS: usize = 8;

/// A service, and what its callers need.
struct World {
    app: Router,
    /// One of each key that there will be.
    tokens: Vec<String>,
    stranger: String,
    is_over: AtomicBool,
    let_through: AtomicUsize,
    refused: AtomicUsize,
}

impl World {
    /// The status, and the body or the code of the problem.
    async fn ask(&self, token: &str) -> (u16, String) {
        let bearer = format!("Bearer {token}");
        let request = Request::get("/profile").header("authorization", bearer);
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 4_096).await;
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    }

    /// Whoever is let through is who they are, and a stranger never is.
    async fn ask_on(&self, first: usize) {
        let mut number = first;
        while !self.is_over.load(Ordering::Relaxed) {
            number = (number + 7) % self.tokens.len();
            match self.ask(&self.tokens[number]).await {
                (200, subject) => {
                    assert_eq!(subject, format!("user-{number}"));
                    self.let_through.fetch_add(1, Ordering::Relaxed);
                }
                (401, problem) => {
                    assert!(problem.contains("invalid_token"), "{problem}");
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(self.ask(&self.stranger).await.0, 401);
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decisions_are_right_while_keys_rotate() {
    let issuer = Issuer::start(&["k0", "k1"]).await;
    let trust = issuer.trust().fetch().await.unwrap();
    let layer = SignetLayer::new(trust, read_policy(&policy(&issuer.url)).unwrap()).unwrap();
    let token = |number| {
        let lasting = json!({ "exp": issuer.now() + 3_000 });
        let [kid, subject] = [format!("k{number}"), format!("user-{number}")];
        issuer.token(&kid, &subject, &lasting)
    };
    let world = Arc::new(World {
        app: Router::new()
            .fallback(|who: Principal| async move { who.subject().to_owned() })
            .layer(layer),
        tokens: (0..TURNS + 2).map(token).collect(),
        stranger: issuer.token("stranger", "eve", &json!({ "exp": issuer.now() + 3_000 })),
        is_over: AtomicBool::new(false),
        let_through: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
    });
    let tasks = (0..16).map(|first| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.ask_on(first).await })
    });
    let tasks: Vec<_> = tasks.collect();
    for turn in 1..=TURNS {
        let [leaving, staying, coming] = [turn - 1, turn, turn + 1];
        let kids = [staying, coming].map(|number| format!("k{number}"));
        issuer.keys(Behaviour::Ok(jwks(&[&kids[0], &kids[1]])));
        issuer.advance(10);
        // The stranger wants keys all the time, so the new ones are fetched as soon as may be.
        while world.ask(&world.tokens[coming]).await.0 != 200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.ask(&world.tokens[leaving]).await.0, 401);
        assert_eq!(world.ask(&world.tokens[staying]).await.0, 200);
    }
    world.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let counted = [&world.let_through, &world.refused].map(|it| it.load(Ordering::Relaxed));
    assert!(counted.iter().all(|count| *count > 100), "{counted:?}");
}
