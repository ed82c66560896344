//! A fresh store and short ways to fill it.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::account::{Account, AccountId, EmailVerification, NewAccount};
use crate::audit::verification::Verification;
use crate::audit::{Actor, Context, Origin, Recorded};
use crate::email::EmailAddress;
use crate::limit::{Guess, GuessKey, GuessKeys, GuessPolicy};
use crate::mail::{MailKind, NewMail};
use crate::mailed_token::{MailedTokenHash, NewMailedToken, Purpose};
use crate::password::PasswordHash;
use crate::ports::heads::HeadStore;
use crate::ports::{
    LoginEffects, NewRegistration, RegistrationMail, Rotation, SessionStore, Store, StoreResult,
};
use crate::role::RoleName;
use crate::secret::{OperatingSystem, Randomness, SecretBytes};
use crate::session::detached::{BEHIND, DetachedSessions};
use crate::session::refresh_token::Presented;
use crate::session::{FamilyId, Head, NewSession, RefreshPolicy, SessionId};
use crate::time::UnixTime;

pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

pub const POLICY: RefreshPolicy = RefreshPolicy {
    grace: 10,
    idle: 14 * 86_400,
    absolute: 30 * 86_400,
};

pub const RANDOM: &dyn Randomness = &OperatingSystem;

#[derive(Clone)]
pub struct World {
    pub store: Arc<dyn Store>,
    pub sessions: Arc<dyn SessionStore>,
    /// How far what the store says of a refresh may be behind, in seconds.
    pub behind: u64,
}

pub fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(seconds)
}

pub fn email(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@Example.com")).unwrap()
}

pub fn hash(name: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("hash of {name}"))
}

pub fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names.iter().map(|n| RoleName::parse(n).unwrap()).collect()
}

pub fn at(now: UnixTime, actor: Actor) -> Context {
    Context {
        now,
        actor,
        origin: Origin {
            ip: Some([192, 0, 2, 1].into()),
            user_agent: Some("story".to_owned()),
            request_id: Some("request-1".to_owned()),
        },
    }
}

pub fn anonymous(now: UnixTime) -> Context {
    at(now, Actor::Anonymous)
}

pub fn guess_key(name: &str) -> GuessKey {
    guesses_at(&email(name))
}

/// The failed guesses at an address.
pub fn guesses_at(email: &EmailAddress) -> GuessKey {
    GuessKeys::new(SecretBytes::new([7; 32])).address(email)
}

pub fn letter(kind: MailKind) -> NewMail {
    NewMail {
        id: RANDOM.uuid(),
        kind,
        sealed: kind.as_str().as_bytes().to_vec(),
        master_key: "m".to_owned(),
        expires_at: None,
        account: None,
    }
}

pub fn token(purpose: Purpose, now: UnixTime) -> (MailedTokenHash, NewMailedToken) {
    let (_, kept) = NewMailedToken::issue(purpose, now, RANDOM);
    (kept.hash, kept)
}

pub fn registration(name: &str, now: UnixTime) -> (MailedTokenHash, NewRegistration) {
    let (hash_of_token, kept) = token(Purpose::Verify, now);
    let registration = NewRegistration {
        id: RANDOM.uuid(),
        secret_hash: RANDOM.array(),
        email: email(name),
        name: None,
        password: hash(name),
        expires_at: now.saturating_add(7 * 86_400),
        token: kept,
    };
    (hash_of_token, registration)
}

pub fn registration_mail() -> RegistrationMail {
    RegistrationMail {
        verify: Some(letter(MailKind::Verify)),
        taken: Some(letter(MailKind::AddressTaken)),
    }
}

pub fn new_account(name: &str, role_names: &[&str]) -> NewAccount {
    NewAccount {
        id: AccountId(RANDOM.uuid()),
        email: email(name),
        email_verified: true,
        name: None,
        password: hash(name),
        roles: roles(role_names),
    }
}

pub fn effects(name: &str) -> LoginEffects {
    LoginEffects {
        checked: hash(name),
        rehashed: None,
        verification: EmailVerification::Required,
        clears: None,
        max_sessions: 20,
    }
}

pub fn new_session(account: AccountId) -> NewSession {
    NewSession {
        id: SessionId(RANDOM.uuid()),
        family: FamilyId::new(RANDOM.array()),
        account,
        audience: "audience".to_owned(),
        client: "client".to_owned(),
    }
}

pub fn presented(head: &Head, generation: u32) -> Presented {
    Presented {
        family: head.family.clone(),
        generation,
    }
}

/// The head that a rotation made.
pub fn advanced(rotation: Rotation) -> Head {
    match rotation {
        Rotation::Advanced(head) => *head,
        other => panic!("{other:?}"),
    }
}

impl World {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            sessions: store.clone(),
            store,
            behind: 0,
        }
    }

    /// A store and the heads of its sessions elsewhere.
    pub fn detached(store: Arc<dyn Store>, heads: Arc<dyn HeadStore>) -> Self {
        let sessions = DetachedSessions::new(Arc::clone(&store), heads);
        Self {
            sessions: Arc::new(sessions),
            store,
            behind: BEHIND,
        }
    }

    /// An active, verified account whose address and password are called `name`.
    pub async fn account(&self, name: &str, role_names: &[&str]) -> Account {
        let operator = at(NOW, Actor::Operator);
        let account = new_account(name, role_names);
        self.store
            .create_account(&operator, account)
            .await
            .unwrap()
            .unwrap()
    }

    /// An active account whose address nobody proved.
    pub async fn unverified(&self, name: &str, role_names: &[&str]) -> Account {
        let operator = at(NOW, Actor::Operator);
        let account = NewAccount {
            email_verified: false,
            ..new_account(name, role_names)
        };
        let created = self.store.create_account(&operator, account).await;
        created.unwrap().unwrap()
    }

    /// Somebody registers an address where it must be proven first; the token of the mail.
    pub async fn register(&self, name: &str, now: UnixTime) -> MailedTokenHash {
        let (mailed, registration) = registration(name, now);
        let context = anonymous(now);
        let registered = self
            .store
            .register(&context, registration, registration_mail())
            .await;
        registered.unwrap();
        mailed
    }

    /// Somebody proves the mailbox of a registration, which makes the account `id`.
    pub async fn activate(
        &self,
        mailed: &MailedTokenHash,
        id: AccountId,
        now: UnixTime,
    ) -> StoreResult<Option<Account>> {
        let (store, context) = (&self.store, anonymous(now));
        store.activate(&context, mailed, id, &guesses_at).await
    }

    /// Guesses at the password of the address called `name`; false where that has to wait.
    pub async fn guess(&self, name: &str, now: UnixTime) -> bool {
        let (key, policy) = (guess_key(name), GuessPolicy::default());
        let guess = self.store.begin_guess(&key, now, &policy).await;
        matches!(guess.unwrap(), Guess::Counted(_))
    }

    /// A request that waits in the outbox.
    pub async fn request(&self, kind: MailKind, now: UnixTime) -> Uuid {
        let request = letter(kind);
        let id = request.id;
        self.store.queue_request(now, request).await.unwrap();
        id
    }

    /// Asks for a reset of the account and grants it; the token, where that was done.
    pub async fn issue_reset(&self, account: AccountId, now: UnixTime) -> Option<MailedTokenHash> {
        let request = self.request(MailKind::ResetRequest, now).await;
        let (mailed, kept) = token(Purpose::Reset, now);
        let mail = letter(MailKind::Reset);
        let issued = self
            .store
            .issue_reset(&anonymous(now), request, account, kept, mail)
            .await;
        issued.unwrap().then_some(mailed)
    }

    /// Asks for another verification mail and grants it; the token, where that was done.
    pub async fn renew_verification(&self, name: &str, now: UnixTime) -> Option<MailedTokenHash> {
        let request = self.request(MailKind::VerifyRequest, now).await;
        let (mailed, kept) = token(Purpose::Verify, now);
        let (address, mail) = (email(name), letter(MailKind::Verify));
        let renewed = self
            .store
            .renew_verification(&anonymous(now), request, address.canonical(), kept, mail)
            .await;
        renewed.unwrap().then_some(mailed)
    }

    pub async fn session(&self, name: &str, account: AccountId, now: UnixTime) -> Head {
        self.sessions
            .open_session(
                &at(now, Actor::Account(account)),
                new_session(account),
                effects(name),
                &POLICY,
            )
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn rotate(&self, head: &Head, generation: u32, now: UnixTime) -> Rotation {
        self.try_to_rotate(head, generation, now).await.unwrap()
    }

    pub async fn try_to_rotate(
        &self,
        head: &Head,
        generation: u32,
        now: UnixTime,
    ) -> StoreResult<Rotation> {
        let notice = |_: &Account| letter(MailKind::ReplayNotice);
        let shown = presented(head, generation);
        self.sessions
            .rotate(&anonymous(now), &shown, &POLICY, &notice)
            .await
    }

    pub async fn trail(&self) -> Vec<Recorded> {
        let mut trail = Vec::new();
        loop {
            let after = u64::try_from(trail.len()).unwrap();
            let page = self.store.recorded(after, 100).await.unwrap();
            if page.is_empty() {
                return trail;
            }
            trail.extend(page);
        }
    }

    /// The actions in the trail, in order.
    pub async fn actions(&self) -> Vec<String> {
        let trail = self.trail().await;
        trail.into_iter().map(|row| row.event.action).collect()
    }

    pub async fn count(&self, action: &str) -> usize {
        let actions = self.actions().await;
        actions.iter().filter(|name| *name == action).count()
    }

    /// The accounts that went by themselves, with what the trail says of each.
    pub async fn expired(&self) -> Vec<(Option<String>, String)> {
        let trail = self.trail().await;
        let expired = trail.into_iter().map(|row| row.event);
        let expired = expired.filter(|event| event.action == "account.expired");
        expired.map(|event| (event.subject, event.detail)).collect()
    }

    /// Every row follows the one before it, in place and by hash.
    pub async fn check_trail(&self) {
        let mut verification = Verification::default();
        for row in self.trail().await {
            verification.take(&row).unwrap();
        }
        verification.end().unwrap();
    }

    /// The same, for what came in one second and so in no order.
    pub async fn waiting_mail_sorted(&self) -> Vec<String> {
        let mut kinds = self.waiting_mail().await;
        kinds.sort();
        kinds
    }

    /// The kinds of the messages that wait, taking them.
    pub async fn waiting_mail(&self) -> Vec<String> {
        let claimed = self.store.claim_mail(after(10), 10, 100).await.unwrap();
        claimed
            .into_iter()
            .map(|mail| String::from_utf8(mail.sealed).unwrap())
            .collect()
    }
}

/// Runs `count` tasks at once and answers what each of them answers.
pub async fn all_at_once<T, F>(count: usize, mut task: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|n| tokio::spawn(task(n))).collect();
    let mut answers = Vec::with_capacity(count);
    for task in running {
        answers.push(task.await.unwrap());
    }
    answers
}
