//! How an issuer behaves; made by the configuration.

use crate::account::EmailVerification;
use crate::limit::{GuessPolicy, Quota};
use crate::mail::letter::Links;
use crate::password::hasher::Algorithm;
use crate::password::policy::PasswordPolicy;
use crate::password::pool::PoolSettings;
use crate::session::family::RefreshPolicy;
use crate::session::floor::ResponseFloor;

/// How an issuer behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The public URL, without a path or a slash at the end; the `iss` of its tokens.
    pub issuer: String,
    /// What it calls itself in mails.
    pub product: String,
    /// The audiences a token may be for; the first is the default. Never empty.
    pub audiences: Vec<String>,
    /// The clients a token may be issued to; the first is the default. Never empty.
    pub clients: Vec<String>,
    /// The longest life of an access token, in seconds.
    pub access_seconds: u64,
    /// How long sessions live.
    pub refresh: RefreshPolicy,
    /// How many sessions an account may have.
    pub max_sessions: u32,
    /// What a new password must be.
    pub password: PasswordPolicy,
    /// Whether who registers must prove the mailbox first.
    pub email_verification: EmailVerification,
    /// How new passwords are hashed.
    pub hashing: Algorithm,
    /// How many passwords are hashed at once.
    pub hash_pool: PoolSettings,
    /// How long the answer to a login takes at least.
    pub login_floor: ResponseFloor,
    /// How often things may be asked for.
    pub limits: LimitSettings,
    /// Where links in mails point to.
    pub links: Links,
}

/// How often things may be asked for, beyond what each route declares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimitSettings {
    /// Failed logins from one client address.
    pub failed_logins_by_client: Quota,
    /// Failed logins to one address, or from one known device.
    pub failed_logins_by_person: Quota,
    /// Registrations from one client address.
    pub registrations: Quota,
    /// Refreshes of one session.
    pub refreshes: Quota,
    /// Reset mails to one recipient, in the short and in the long run.
    pub reset_mails: [Quota; 2],
    /// Mails to one recipient that tell of a registration, in the short and in the long run.
    pub registration_mails: [Quota; 2],
    /// All other mails to one recipient that anyone can cause.
    pub other_mails: Quota,
    /// Changes of address that one account asks for.
    pub address_changes: Quota,
    /// Guesses at one password.
    pub guesses: GuessPolicy,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            failed_logins_by_client: Quota::new(30, 60),
            failed_logins_by_person: Quota::new(5, 60),
            registrations: Quota::new(10, 3_600),
            refreshes: Quota::new(60, 60),
            reset_mails: [Quota::new(3, 3_600), Quota::new(10, 86_400)],
            registration_mails: [Quota::new(3, 3_600), Quota::new(10, 86_400)],
            other_mails: Quota::new(3, 3_600),
            address_changes: Quota::new(5, 3_600),
            guesses: GuessPolicy::default(),
        }
    }
}

impl LimitSettings {
    /// Every figure `scale` times as high, the ceiling of guesses excepted.
    #[must_use]
    pub fn scaled(self, scale: u32) -> Self {
        let scale = scale.max(1);
        let first_delayed = self.guesses.free.saturating_add(1).saturating_mul(scale);
        Self {
            failed_logins_by_client: self.failed_logins_by_client.scaled(scale),
            failed_logins_by_person: self.failed_logins_by_person.scaled(scale),
            registrations: self.registrations.scaled(scale),
            refreshes: self.refreshes.scaled(scale),
            reset_mails: self.reset_mails.map(|quota| quota.scaled(scale)),
            registration_mails: self.registration_mails.map(|quota| quota.scaled(scale)),
            other_mails: self.other_mails.scaled(scale),
            address_changes: self.address_changes.scaled(scale),
            guesses: GuessPolicy {
                free: first_delayed.saturating_sub(1),
                ..self.guesses
            },
        }
    }
}
