//! The trail and the changes it tells of are written together or not at all.

use std::collections::BTreeSet;

use signet_core::limit::{Guess, GuessPolicy};
use signet_core::testing::changes::Prepared;
use signet_core::testing::world::{NOW, guess_key};
use signet_testbed::{Database, postgres};

use crate::{is_unavailable, world};

/// Everything in every table, as XML would write it.
fn everything(database: &Database<'_>) -> String {
    database.sql(
        "SELECT table_name, query_to_xml(format(
                    'SELECT * FROM signet.%I AS row ORDER BY row::text', table_name),
                    true, true, '')
         FROM information_schema.tables WHERE table_schema = 'signet' ORDER BY table_name",
    )
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_happen() {
    let database = postgres().database();
    let world = world(&database).await;
    let prepared = Prepared::new(&world).await;
    let before = everything(&database);
    let recorded = world.trail().await.len();

    database.sql(
        "CREATE FUNCTION signet.refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER no_audit BEFORE INSERT ON signet.audit
             EXECUTE FUNCTION signet.refuse()",
    );
    for (action, answer) in prepared.try_all(&world).await {
        assert!(answer.is_err(), "{action} happened without its record");
    }
    assert_eq!(everything(&database), before);

    database.sql("DROP TRIGGER no_audit ON signet.audit");
    let mut tried = BTreeSet::new();
    for (action, answer) in prepared.try_all(&world).await {
        assert!(answer.unwrap(), "{action} was not done");
        tried.insert(action.to_owned());
    }
    let told = world.actions().await.into_iter().skip(recorded);
    assert_eq!(told.collect::<BTreeSet<_>>(), tried);
    world.check_trail().await;
}

/// Lets the first `lost` guesses lose against somebody.
fn lose(database: &Database<'_>, lost: u32) {
    database.sql(&format!(
        "CREATE SEQUENCE signet.tries;
         CREATE OR REPLACE FUNCTION signet.lose() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF nextval('signet.tries') <= {lost} THEN
                     RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure';
                 END IF;
                 RETURN NEW;
             END $$;
         CREATE OR REPLACE TRIGGER lose BEFORE INSERT ON signet.guesses
             FOR EACH ROW EXECUTE FUNCTION signet.lose()"
    ));
}

#[tokio::test]
async fn what_lost_against_another_is_tried_again_a_few_times() {
    let database = postgres().database();
    let world = world(&database).await;
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    lose(&database, 3);
    let guess = world.store.begin_guess(&key, NOW, &policy).await;
    assert!(matches!(guess, Ok(Guess::Counted(_))), "{guess:?}");
    let kept = database.sql("SELECT count(*) FROM signet.guesses");
    assert_eq!(kept.trim(), "1");

    database.sql("DROP SEQUENCE signet.tries");
    lose(&database, 1_000);
    let guess = world.store.begin_guess(&key, NOW, &policy).await;
    assert!(is_unavailable(&guess), "{guess:?}");
    let tries = database.sql("SELECT last_value FROM signet.tries");
    assert_eq!(tries.trim(), "4");
}

#[tokio::test]
async fn what_fails_at_the_commit_has_failed() {
    let database = postgres().database();
    let world = world(&database).await;
    database.sql(
        "CREATE FUNCTION signet.refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON signet.guesses
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION signet.refuse()",
    );
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    let guess = world.store.begin_guess(&key, NOW, &policy).await;
    assert!(guess.is_err(), "{guess:?}");
    let kept = database.sql("SELECT count(*) FROM signet.guesses");
    assert_eq!(kept.trim(), "0");
    world.store.ping().await.unwrap();
}
