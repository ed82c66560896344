//! The trail and the changes it tells of are written together or not at all.

use std::collections::BTreeSet;

use signet_core::testing::changes::Prepared;
use signet_testbed::{Database, postgres};

use crate::world;

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
