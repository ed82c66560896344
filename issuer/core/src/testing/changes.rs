//! Every change that leaves a row in the trail, each prepared so that it can be tried more than
//! once until it works. An adapter's own tests try them while its trail can't be written: none may
//! happen then, and nothing of any may be left behind.
//!
//! To add a change, try it in [`Prepared::try_all`] under the name of its
//! [`crate::audit::Action`], and prepare what it needs.

use uuid::Uuid;

use super::addresses::{self, Tokens};
use super::keys::master;
use super::world::{
    NOW, POLICY, RANDOM, World, advanced, after, anonymous, at, effects, guess_key, hash, letter,
    new_account, new_session, presented, registration, registration_mail, roles, token,
};
use crate::account::{Account, AccountId, AccountStatus};
use crate::audit::Actor;
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::ports::addresses::Undone;
use crate::ports::{Rotation, StoreResult};
use crate::recovery::{self, RecoveryError};
use crate::session::{Head, SessionId};
use crate::signing::keyring::initial_keys;

/// What came of trying: the action that it would record, and whether it was done.
pub type Tried = (&'static str, StoreResult<bool>);

/// What the changes need.
pub struct Prepared {
    setup: MailedTokenHash,
    registration: MailedTokenHash,
    ada: Account,
    sessions: Vec<Head>,
    eve: Account,
    ivy: Account,
    reset: MailedTokenHash,
    verify_request: Uuid,
    reset_request: Uuid,
    addresses: Addresses,
}

/// Accounts whose address is to change, each at another step of it.
struct Addresses {
    request: Uuid,
    asked: Account,
    /// One of two of theirs.
    session: SessionId,
    pending: Tokens,
    cancelled: Tokens,
    changed: Tokens,
}

impl Addresses {
    async fn new(world: &World) -> Self {
        let mut tokens = Vec::new();
        for name in ["kim", "lee", "max"] {
            let id = world.account(name, &[]).await.id;
            let asked = addresses::ask(world, id, &format!("{name}-new"), NOW).await;
            tokens.push(asked.unwrap());
        }
        let changed = tokens[2];
        assert!(addresses::confirm(world, &changed.change, NOW).await);
        let asked = world.account("nat", &[]).await;
        world.session("nat", asked.id, NOW).await;
        Self {
            request: world.request(MailKind::AddressChangeRequest, NOW).await,
            session: world.session("nat", asked.id, NOW).await.session.id,
            asked,
            pending: tokens[0],
            cancelled: tokens[1],
            changed,
        }
    }
}

impl Prepared {
    pub async fn new(world: &World) -> Self {
        let store = &world.store;
        let (setup, kept) = token(Purpose::Setup, NOW);
        store.issue_setup(&anonymous(NOW), kept).await.unwrap();
        let mut pending = None;
        for name in ["carol", "dave"] {
            let mailed = world.register(name, NOW).await;
            pending = pending.or(Some(mailed));
        }
        let ada = world.account("ada", &[]).await;
        let mut sessions = Vec::new();
        for _ in 0..8 {
            let head = world.session("ada", ada.id, NOW).await;
            sessions.push(advanced(world.rotate(&head, 0, NOW).await));
        }
        let eve = world.account("eve", &[]).await;
        let reset = world.issue_reset(eve.id, NOW).await.unwrap();
        let ivy = world.account("ivy", &[]).await;
        let operator = at(NOW, Actor::Operator);
        let stopped = AccountStatus::Suspended;
        let suspended = store.set_status(&operator, ivy.id, stopped).await;
        suspended.unwrap().unwrap();
        super::roles::create(world, "clerk", &["users:read"], &[]).await;
        super::roles::create(world, "spare", &["users:list"], &[]).await;
        Self {
            setup,
            registration: pending.unwrap(),
            ada,
            sessions,
            eve,
            ivy,
            reset,
            verify_request: world.request(MailKind::VerifyRequest, NOW).await,
            reset_request: world.request(MailKind::ResetRequest, NOW).await,
            addresses: Addresses::new(world).await,
        }
    }

    pub async fn try_all(&self, world: &World) -> Vec<Tried> {
        let mut tried = self.try_accounts(world).await;
        tried.extend(self.try_sessions(world).await);
        tried.extend(self.try_passwords(world).await);
        tried.extend(self.try_addresses(world).await);
        tried.extend(self.try_administration(world).await);
        tried.extend(self.try_roles(world).await);
        tried.push(self.try_new_life(world).await);
        tried
    }

    /// The last of all: little that was prepared is left after it.
    async fn try_new_life(&self, world: &World) -> Tried {
        let begun = recovery::begin_new_life(&*world.store, after(2), &master(), RANDOM).await;
        let begun = begun.map_err(|error| match error {
            RecoveryError::Store(error) => error,
            RecoveryError::Keys(error) => panic!("{error}"),
        });
        ("store.restored", begun.map(|life| life.sessions > 0))
    }

    async fn try_accounts(&self, world: &World) -> Vec<Tried> {
        let (store, nobody) = (&world.store, anonymous(after(1)));
        let mut tried: Vec<Tried> = Vec::new();
        let (_, waiting) = registration("zoe", NOW);
        let registered = store.register(&nobody, waiting, registration_mail()).await;
        tried.push(("registration.requested", registered.map(|()| true)));
        let (_, fresh) = token(Purpose::Verify, NOW);
        let (dave, mail) = ("dave@example.com", letter(MailKind::Verify));
        let resent = store
            .renew_verification(&nobody, self.verify_request, dave, fresh, mail)
            .await;
        tried.push(("registration.resent", resent));
        let id = AccountId(RANDOM.uuid());
        let activated = world.activate(&self.registration, id, after(1)).await;
        tried.push(("registration.verified", activated.map(|a| a.is_some())));
        let root = new_account("root", &["admin"]);
        let first = store.create_first_admin(&nobody, &self.setup, root).await;
        tried.push(("account.created", first.map(|answer| answer.is_ok())));
        let (_, fresh) = token(Purpose::Setup, NOW);
        let issued = store.issue_setup(&nobody, fresh).await;
        tried.push(("setup.link_issued", issued.map(|()| true)));
        let initial = initial_keys(NOW, &master(), RANDOM).unwrap();
        let made = store.load_or_create_keys(&nobody, initial).await;
        tried.push(("keys.created", made.map(|_| true)));

        let operator = at(after(1), Actor::Operator);
        let bob = store
            .create_account(&operator, new_account("bob", &[]))
            .await;
        tried.push(("account.created", bob.map(|answer| answer.is_ok())));
        let renamed = store.rename(&operator, self.eve.id, None).await;
        tried.push(("account.renamed", renamed.map(|a| a.is_some())));
        let given = store
            .set_roles(&operator, self.ada.id, roles(&["clerk"]))
            .await;
        tried.push(("account.roles_set", given.map(|answer| answer.is_ok())));
        tried
    }

    async fn try_sessions(&self, world: &World) -> Vec<Tried> {
        let (sessions, nobody) = (&world.sessions, anonymous(after(1)));
        let ada = self.ada.id;
        let rotate = async |index: usize, generation, now| {
            let notice = |_: &Account| letter(MailKind::ReplayNotice);
            let shown = presented(&self.sessions[index], generation);
            let rotation = sessions
                .rotate(&anonymous(now), &shown, &POLICY, &notice)
                .await;
            rotation.map(|rotation| !matches!(rotation, Rotation::Dead))
        };
        let mut tried: Vec<Tried> = vec![
            ("refresh.repeated", rotate(0, 0, after(1)).await),
            ("refresh.replayed", rotate(1, 0, after(60)).await),
            ("refresh.from_future", rotate(2, 9, after(1)).await),
        ];
        let opened = sessions
            .open_session(&nobody, new_session(ada), effects("ada"), &POLICY)
            .await;
        tried.push(("session.opened", opened.map(|head| head.is_some())));
        let proven = sessions
            .reauthenticate(
                &nobody,
                self.sessions[3].session.id,
                ada,
                effects("ada"),
                &POLICY,
            )
            .await;
        tried.push(("session.reauthenticated", proven.map(|head| head.is_some())));
        let ended = sessions
            .end_session(&nobody, ada, self.sessions[4].session.id)
            .await;
        tried.push(("session.ended", ended));
        let shown = presented(&self.sessions[5], 0);
        tried.push(("session.ended", sessions.end_family(&nobody, &shown).await));
        let keep = self.sessions[6].session.id;
        let others = sessions.end_other_sessions(&nobody, ada, keep).await;
        tried.push(("session.ended", others.map(|ended| ended > 0)));
        tried
    }

    async fn try_passwords(&self, world: &World) -> Vec<Tried> {
        let (store, nobody) = (&world.store, anonymous(after(1)));
        let mut tried: Vec<Tried> = Vec::new();
        let (_, fresh) = token(Purpose::Reset, NOW);
        let mail = letter(MailKind::Reset);
        let issued = store
            .issue_reset(&nobody, self.reset_request, self.ada.id, fresh, mail)
            .await;
        tried.push(("password.reset_requested", issued));
        let (key, notice) = (guess_key("eve"), letter(MailKind::ResetNotice));
        let reset = store
            .reset_password(&nobody, &self.reset, hash("new"), key, notice)
            .await;
        tried.push(("password.reset", reset));
        let keep = self.sessions[6].session.id;
        let (current, new) = (hash("ada"), hash("new"));
        let notice = letter(MailKind::PasswordChangedNotice);
        let changed = store
            .change_password(&nobody, keep, self.ada.id, &current, new, notice)
            .await;
        tried.push(("password.changed", changed));
        tried
    }

    async fn try_addresses(&self, world: &World) -> Vec<Tried> {
        let now = after(1);
        let Addresses {
            request,
            asked,
            session: _,
            pending,
            cancelled,
            changed,
        } = &self.addresses;
        let granted = addresses::grant(world, *request, asked, "nat-new", now).await;
        let confirmed = addresses::try_to_confirm(world, &pending.change, now).await;
        let kept = addresses::try_to_undo(world, &cancelled.undo, now).await;
        let put_back = addresses::try_to_undo(world, &changed.undo, now).await;
        vec![
            (
                "address.change_requested",
                granted.map(|done| done.is_some()),
            ),
            ("address.changed", confirmed),
            (
                "address.change_cancelled",
                kept.map(|done| done == Some(Undone::Cancelled)),
            ),
            (
                "address.put_back",
                put_back.map(|done| done == Some(Undone::PutBack)),
            ),
        ]
    }

    async fn try_administration(&self, world: &World) -> Vec<Tried> {
        let (store, operator) = (&world.store, at(after(1), Actor::Operator));
        let (id, session) = (self.addresses.asked.id, self.addresses.session);
        let (_, fresh) = token(Purpose::Reset, NOW);
        let write = |_: &Account| letter(MailKind::Reset);
        let renamed = store.rename_account(&operator, id, None).await;
        let sent = store.send_reset(&operator, id, fresh, &write).await;
        let one = store.end_session_of(&operator, id, session).await;
        let all = store.end_sessions_of(&operator, id).await;
        vec![
            ("account.renamed", renamed.map(|done| done.is_ok())),
            ("password.reset_requested", sent.map(|done| done.is_ok())),
            ("session.ended", one.map(|done| done == Ok(true))),
            ("session.ended", all.map(|done| done == Ok(1))),
        ]
    }

    async fn try_roles(&self, world: &World) -> Vec<Tried> {
        let (store, operator) = (&world.store, at(after(1), Actor::Operator));
        let mut tried: Vec<Tried> = Vec::new();
        let new = super::roles::role("new", &["agents:read"], &["clerk"]);
        let created = store.create_role(&operator, new).await;
        tried.push(("role.created", created.map(|answer| answer.is_ok())));
        let less = super::roles::role("clerk", &[], &[]);
        let replaced = store.replace_role(&operator, less).await;
        tried.push(("role.replaced", replaced.map(|answer| answer.is_ok())));
        let spare = super::roles::role("spare", &[], &[]).name;
        let deleted = store.delete_role(&operator, &spare).await;
        tried.push(("role.deleted", deleted.map(|answer| answer.is_ok())));
        for (action, account, status) in [
            ("account.suspended", &self.eve, AccountStatus::Suspended),
            ("account.activated", &self.ivy, AccountStatus::Active),
        ] {
            let set = store.set_status(&operator, account.id, status).await;
            tried.push((action, set.map(|answer| answer.is_ok())));
        }
        tried
    }
}
