//! A database that takes no changes: sessions go on for as long as it may know too little of them,
//! and then wait for it, with the token they have.

use http::StatusCode;
use signet_core::session::detached::MOST_BEHIND;

use crate::harness::Service;

#[tokio::test]
async fn who_it_has_not_heard_of_for_two_hours_waits_and_stays_logged_in() {
    let service = Service::start().await;
    let mut ada = service.member("ada@example.com", &[]).await;
    let held = service.database().hold().await;
    service.wait(MOST_BEHIND);
    ada.refresh().await.expect(StatusCode::OK);
    service.wait(1);
    // Later than the grace: had the first of them made the token a used one, the second would end
    // the session.
    for _ in 0..2 {
        let refused = ada.refresh().await.expect_problem("unavailable");
        assert_ne!(refused.header("retry-after"), "");
        service.wait(60);
    }
    held.release().await;
    ada.refresh().await.expect(StatusCode::OK);
    ada.get("/v1/me").await.expect(StatusCode::OK);
}
