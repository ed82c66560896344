//! Accounts from elsewhere.

use super::world::{NOW, RANDOM, World, all_at_once, at, email, hash, roles};
use crate::account::import::{AccountElsewhere, ImportMode, ImportOutcome, ImportedAccount};
use crate::account::{AccountId, AccountStatus, DisplayName};
use crate::audit::Actor;
use crate::password::PasswordHash;
use crate::role::RoleName;
use crate::time::UnixTime;

fn elsewhere(name: &str) -> ImportedAccount {
    ImportedAccount {
        id: AccountId(RANDOM.uuid()),
        created_at: NOW,
        account: AccountElsewhere {
            id: None,
            email: email(name),
            email_verified: true,
            name: None,
            password: hash(name),
            roles: roles(&[]),
            status: AccountStatus::Active,
            created_at: None,
        },
    }
}

async fn import(
    world: &World,
    accounts: &[ImportedAccount],
    mode: ImportMode,
) -> Vec<ImportOutcome> {
    let operator = at(NOW, Actor::Operator);
    let imported = world.store.import_accounts(&operator, accounts, mode).await;
    imported.unwrap()
}

pub async fn what_is_imported_is_as_it_was_elsewhere(world: &World) {
    let mailed = world.register("ada", NOW).await;
    let name = DisplayName::parse("Ada Lovelace").unwrap();
    let mut ada = elsewhere("ada");
    ada.created_at = UnixTime::from_secs(1_500_000_000);
    ada.account.name = Some(name.clone());
    ada.account.roles = roles(&["admin", "user"]);
    let mut bob = elsewhere("bob");
    bob.account.email_verified = false;
    bob.account.status = AccountStatus::Suspended;
    bob.account.password = PasswordHash::none();
    let outcomes = import(world, &[ada.clone(), bob.clone()], ImportMode::Keep).await;
    assert_eq!(outcomes, [ImportOutcome::Imported, ImportOutcome::Imported]);

    let found = world.store.account_with_password(ada.id).await.unwrap();
    let (found, password) = found.unwrap();
    assert_eq!(found.email, email("ada"));
    assert_eq!(
        (found.name, found.status),
        (Some(name), AccountStatus::Active)
    );
    assert_eq!((found.email_verified, found.version), (true, 0));
    assert_eq!(
        (found.roles, found.created_at),
        (roles(&["admin"]), ada.created_at)
    );
    assert_eq!(password, hash("ada"));
    let found = world.store.account_with_password(bob.id).await.unwrap();
    let (found, password) = found.unwrap();
    assert_eq!((found.email_verified, found.created_at), (false, NOW));
    assert_eq!(found.status, AccountStatus::Suspended);
    assert!(password.is_none());

    let pending = world
        .store
        .pending_registration(&mailed, NOW)
        .await
        .unwrap();
    assert!(pending.is_none(), "the account voids what waited");
    let trail = world.trail().await;
    let of_ada = trail
        .iter()
        .find(|row| row.event.action == "account.imported");
    let of_ada = &of_ada.unwrap().event;
    assert_eq!(of_ada.subject, Some(ada.id.to_string()));
    assert_eq!(of_ada.actor, "operator");
    assert_eq!(
        of_ada.detail,
        r#"{"roles":["admin"],"verified":true,"status":"active","password":true}"#
    );
    assert_eq!(world.count("account.imported").await, 2);
}

pub async fn who_is_there_already_stays_as_they_are(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mut again = elsewhere("ADA");
    again.account.roles = roles(&["admin"]);
    let mut same_id = elsewhere("eve");
    same_id.id = ada.id;
    let mut unknown = elsewhere("mallory");
    unknown.account.roles = roles(&["ghost"]);
    let twice = [elsewhere("bob"), elsewhere("Bob")];
    let [bob, other_bob] = twice.clone();
    let batch = [again, same_id, unknown, bob, other_bob];
    let expected = [
        ImportOutcome::AddressTaken,
        ImportOutcome::IdTaken,
        ImportOutcome::UnknownRole(RoleName::parse("ghost").unwrap()),
        ImportOutcome::Imported,
        ImportOutcome::AddressTaken,
    ];
    assert_eq!(import(world, &batch, ImportMode::Keep).await, expected);
    let found = world.store.account_with_password(ada.id).await.unwrap();
    assert_eq!(found, Some((ada, hash("ada"))));
    assert_eq!(world.count("account.imported").await, 1);
    assert_eq!(import(world, &[], ImportMode::Keep).await, []);
}

pub async fn a_rehearsal_answers_the_same_and_changes_nothing(world: &World) {
    world.account("ada", &[]).await;
    let batch = [elsewhere("ada"), elsewhere("bob"), elsewhere("BOB")];
    let expected = [
        ImportOutcome::AddressTaken,
        ImportOutcome::Imported,
        ImportOutcome::AddressTaken,
    ];
    for mode in [ImportMode::Rehearse, ImportMode::Rehearse, ImportMode::Keep] {
        assert_eq!(import(world, &batch, mode).await, expected);
        let there = world.store.account(batch[1].id).await.unwrap();
        assert_eq!(there.is_some(), mode == ImportMode::Keep);
    }
    assert_eq!(world.count("account.imported").await, 1);
}

pub async fn ten_imports_of_the_same_at_once_import_each_account_once(world: &World) {
    let names: Vec<String> = (0..30).map(|number| format!("person{number}")).collect();
    let outcomes = all_at_once(10, |runner| {
        let world = world.clone();
        let mut batch: Vec<_> = names.iter().map(|name| elsewhere(name)).collect();
        // Not all in one order, or they would only wait in line.
        batch.rotate_left(runner * 3);
        async move { import(&world, &batch, ImportMode::Keep).await }
    })
    .await;
    let imported = outcomes.iter().flatten();
    let imported = imported.filter(|outcome| **outcome == ImportOutcome::Imported);
    assert_eq!(imported.count(), 30);
    assert_eq!(world.count("account.imported").await, 30);
}
