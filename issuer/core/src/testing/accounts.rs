//! Accounts as such.

use super::world::{NOW, World, at, email, hash, new_account, roles};
use crate::account::{AccountId, AccountStatus, DisplayName};
use crate::audit::Actor;
use crate::ports::{AccountFilter, CreateAccountError};
use crate::role::RoleName;

pub async fn an_account_is_created_once_and_found_again(world: &World) {
    let store = &world.store;
    let mailed = world.register("ada", NOW).await;
    let ada = world.account("ada", &["admin"]).await;
    assert_eq!(ada.status, AccountStatus::Active);
    assert_eq!((ada.version, ada.device_epoch), (0, 0));
    assert_eq!(ada.roles, roles(&["admin"]));
    let pending = store.pending_registration(&mailed, NOW).await.unwrap();
    assert!(pending.is_none(), "the account voids what waited");
    let late = AccountId(super::world::RANDOM.uuid());
    let late = world.activate(&mailed, late, NOW).await;
    assert_eq!(late.unwrap(), None);
    assert_eq!(store.account(ada.id).await.unwrap(), Some(ada.clone()));
    let with_password = store.account_with_password(ada.id).await.unwrap();
    assert_eq!(with_password, Some((ada, hash("ada"))));

    let operator = at(NOW, Actor::Operator);
    let again = store.create_account(&operator, new_account("ADA", &[]));
    assert_eq!(again.await.unwrap(), Err(CreateAccountError::AddressTaken));
    let unknown = store.create_account(&operator, new_account("bob", &["ghost"]));
    let ghost = RoleName::parse("ghost").unwrap();
    assert_eq!(
        unknown.await.unwrap(),
        Err(CreateAccountError::UnknownRole(ghost))
    );
    let nobody = AccountId(super::world::RANDOM.uuid());
    assert_eq!(store.account(nobody).await.unwrap(), None);
    assert_eq!(world.count("account.created").await, 1);
}

pub async fn a_list_is_filtered_and_paged_without_gaps(world: &World) {
    for number in 0..7 {
        world.account(&format!("person{number}"), &[]).await;
    }
    let admin = world.account("root%_", &["admin"]).await;
    let list = async |filter: AccountFilter, after, limit| {
        let found = world.store.accounts(&filter, after, limit).await.unwrap();
        found
            .into_iter()
            .map(|account| (account.id, account.email.canonical().to_owned()))
            .collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    loop {
        let last = all.last().map(|(id, _)| *id);
        let page = list(AccountFilter::default(), last, 3).await;
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all, list(AccountFilter::default(), None, 100).await);
    assert_eq!(all.len(), 8);

    let by_text = |text: &str| AccountFilter {
        text: Some(text.to_owned()),
        ..AccountFilter::default()
    };
    let expected = vec![(admin.id, email("root%_").canonical().to_owned())];
    assert_eq!(list(by_text("%"), None, 10).await, expected);
    assert_eq!(list(by_text("ROOT"), None, 10).await, expected);
    assert_eq!(list(by_text("' OR 1=1 --"), None, 10).await, []);
    let by_role = |role: &str| AccountFilter {
        role: Some(RoleName::parse(role).unwrap()),
        ..AccountFilter::default()
    };
    assert_eq!(list(by_role("admin"), None, 10).await, expected);
    assert_eq!(list(by_role("user"), None, 10).await.len(), 8);
    let by_status = |status| AccountFilter {
        status: Some(status),
        ..AccountFilter::default()
    };
    let stopped = AccountStatus::Suspended;
    assert_eq!(list(by_status(stopped), None, 10).await, []);
    let (people, _) = all
        .into_iter()
        .partition::<Vec<_>, _>(|(id, _)| *id != admin.id);
    let operator = at(NOW, Actor::Operator);
    let first = people[0].0;
    let set = world.store.set_status(&operator, first, stopped).await;
    set.unwrap().unwrap();
    assert_eq!(list(by_status(stopped), None, 10).await, people[..1]);
    let active = list(by_status(AccountStatus::Active), None, 10).await;
    assert_eq!(active.len(), 7);
    assert!(!active.contains(&people[0]));
}

pub async fn a_name_is_changed_and_removed(world: &World) {
    let ada = world.account("ada", &[]).await;
    let context = at(NOW, Actor::Account(ada.id));
    let name = DisplayName::parse("Ada Lovelace").unwrap();
    for name in [Some(name), None] {
        let renamed = world.store.rename(&context, ada.id, name.clone()).await;
        assert_eq!(renamed.unwrap().unwrap().name, name);
    }
    let nobody = AccountId(super::world::RANDOM.uuid());
    let renamed = world.store.rename(&context, nobody, None).await;
    assert_eq!(renamed.unwrap(), None);
    assert_eq!(world.count("account.renamed").await, 2);
}
