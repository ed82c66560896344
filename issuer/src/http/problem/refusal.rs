//! What each error of a use case is to a client: the one place that says so.

use signet_core::account::address::{AskForChangeError, ChangeAddressError};
use signet_core::account::admin::AdminError;
use signet_core::account::erase::EraseError;
use signet_core::account::invite::{AcceptError, InvitationError};
use signet_core::account::profile::RenameError;
use signet_core::account::register::{RegisterError, VerifyError};
use signet_core::account::setup::SetupError;
use signet_core::feed::FeedError;
use signet_core::issuer::TokenRequestError;
use signet_core::mail::outbox::RetryError;
use signet_core::password::change::ChangePasswordError;
use signet_core::password::new::NewPasswordError;
use signet_core::password::pool::Overloaded;
use signet_core::password::reset::ResetError;
use signet_core::ports::outbox::RetryRefusal;
use signet_core::ports::{AdminRefusal, StoreError};
use signet_core::role::grant::GrantError;
use signet_core::session::bearer::BearerError;
use signet_core::session::login::LoginError;
use signet_core::session::reauthenticate::ReauthenticateError;
use signet_core::session::refresh::RefreshError;
use signet_core::signing::admin::KeyAdminError;
use signet_core::signing::life::KeyChangeError;
use signet_verifier::{Refusal, gate};

use super::{Code, Problem};

/// How soon a store that doesn't answer is worth another try, in seconds.
const STORE_RETRY: u32 = 2;

/// How soon an outbox that is full is looked at again, in seconds.
const OUTBOX_RETRY: u32 = 60;

/// How soon a gate may have what it lacks, in seconds.
const GATE_RETRY: u32 = 1;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::from(Code::Unavailable)
                .retry_after(STORE_RETRY)
                .caused_by(error),
            StoreError::Corrupt(_) => Self::from(Code::InternalError).caused_by(error),
        }
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Store(error) => error.into(),
            FeedError::Late | FeedError::Behind | FeedError::TooLarge | FeedError::Signing(_) => {
                Self::from(Code::Unavailable)
                    .retry_after(STORE_RETRY)
                    .caused_by(error)
            }
        }
    }
}

impl From<Overloaded> for Problem {
    fn from(overloaded: Overloaded) -> Self {
        Self::from(Code::Overloaded).retry_after(overloaded.retry_after)
    }
}

impl From<TokenRequestError> for Problem {
    fn from(error: TokenRequestError) -> Self {
        let (field, code) = match error {
            TokenRequestError::UnknownAudience => ("audience", "unknown_audience"),
            TokenRequestError::UnknownClient => ("client", "unknown_client"),
        };
        Self::from(Code::ValidationFailed).with_error(field, code, error.to_string())
    }
}

/// What the reading of a token says, as this API says it.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidRequest => Self::unreadable_authorization(),
            Refusal::MissingToken => Code::MissingToken.into(),
            Refusal::InvalidToken(_) => Code::InvalidToken.into(),
            Refusal::ReauthenticationRequired { .. } => Code::ReauthenticationRequired.into(),
            Refusal::InsufficientScope | Refusal::NoRule => Code::InsufficientScope.into(),
            Refusal::KeysUnavailable | Refusal::RevocationUnavailable => {
                Self::from(Code::Unavailable).retry_after(STORE_RETRY)
            }
        }
    }
}

impl Problem {
    /// What the gate says of a request to another service, as it says it everywhere.
    pub(in crate::http) fn of_gate(refusal: Refusal) -> Self {
        let said = refusal.code();
        let (code, retry_after) = match said {
            gate::Code::InvalidRequest => (Code::InvalidRequest, None),
            gate::Code::MissingToken => (Code::MissingToken, None),
            gate::Code::InvalidToken => (Code::InvalidToken, None),
            gate::Code::ReauthenticationRequired => (Code::ReauthenticationRequired, None),
            gate::Code::InsufficientScope => (Code::InsufficientScope, None),
            gate::Code::NoRule => (Code::NoRule, None),
            gate::Code::KeysUnavailable => (Code::KeysUnavailable, Some(GATE_RETRY)),
            gate::Code::RevocationUnavailable => (Code::RevocationUnavailable, Some(GATE_RETRY)),
        };
        Self {
            challenge: refusal.challenge().map(Into::into),
            retry_after,
            ..Self::from(code)
        }
        .because(said.detail())
    }
}

impl From<BearerError> for Problem {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Invalid => Code::InvalidToken.into(),
            BearerError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::NewPassword(error) => new_password("password", error),
            RegisterError::RateLimited { retry_after } => rate_limited(retry_after),
            RegisterError::OutboxFull => Self::from(Code::Unavailable)
                .because("So much mail waits to be sent that nobody new can be taken now.")
                .retry_after(OUTBOX_RETRY),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::InvalidToken => Code::InvalidMailedToken.into(),
            VerifyError::Request(error) => error.into(),
            VerifyError::Overloaded(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Code::InvalidCredentials.into(),
            LoginError::EmailNotVerified => Code::EmailNotVerified.into(),
            LoginError::Suspended => Code::AccountSuspended.into(),
            LoginError::RateLimited { retry_after } => rate_limited(retry_after),
            LoginError::Request(error) => error.into(),
            LoginError::Overloaded(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<ReauthenticateError> for Problem {
    fn from(error: ReauthenticateError) -> Self {
        match error {
            ReauthenticateError::WrongPassword => wrong_password("password"),
            ReauthenticateError::RateLimited { retry_after } => rate_limited(retry_after),
            ReauthenticateError::SessionOver => Code::InvalidToken.into(),
            ReauthenticateError::Overloaded(error) => error.into(),
            ReauthenticateError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => Code::InvalidRefreshToken.into(),
            RefreshError::RateLimited { retry_after } => rate_limited(retry_after),
            RefreshError::Request(error) => error.into(),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::InvalidToken => Code::InvalidMailedToken.into(),
            ResetError::NewPassword(error) => new_password("new_password", error),
            ResetError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Reauthenticate(ReauthenticateError::WrongPassword) => {
                wrong_password("current_password")
            }
            ChangePasswordError::Reauthenticate(error) => error.into(),
            ChangePasswordError::NewPassword(error) => new_password("new_password", error),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<AskForChangeError> for Problem {
    fn from(error: AskForChangeError) -> Self {
        match error {
            AskForChangeError::Reauthenticate(error) => error.into(),
            AskForChangeError::SameAddress => {
                let message = error.to_string();
                Self::from(Code::ValidationFailed).with_error("new_email", "same_address", message)
            }
            AskForChangeError::RateLimited { retry_after } => rate_limited(retry_after),
            AskForChangeError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeAddressError> for Problem {
    fn from(error: ChangeAddressError) -> Self {
        match error {
            ChangeAddressError::InvalidToken => Code::InvalidMailedToken.into(),
            ChangeAddressError::Store(error) => error.into(),
        }
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Reauthenticate(error) => error.into(),
            EraseError::LastAdmin => Self::from(Code::Conflict).because(error.to_string()),
            EraseError::Store(error) => error.into(),
        }
    }
}

impl From<RenameError> for Problem {
    fn from(error: RenameError) -> Self {
        match error {
            RenameError::AccountGone => Code::InvalidToken.into(),
            RenameError::Store(error) => error.into(),
        }
    }
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Closed => Code::NotFound.into(),
            SetupError::InvalidToken => Code::InvalidMailedToken.into(),
            SetupError::NewPassword(error) => new_password("password", error),
            SetupError::AddressTaken => Self::from(Code::Conflict).because(error.to_string()),
            SetupError::Request(error) => error.into(),
            SetupError::Store(error) => error.into(),
        }
    }
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::AddressTaken => Self::from(Code::Conflict).because(error.to_string()),
            InvitationError::Admin(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::InvalidToken => Code::InvalidMailedToken.into(),
            AcceptError::NewPassword(error) => new_password("password", error),
            AcceptError::Request(error) => error.into(),
            AcceptError::Store(error) => error.into(),
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Change(error) => error.into(),
            AdminError::ReauthenticationRequired(_) => Code::ReauthenticationRequired.into(),
            AdminError::Store(error) => error.into(),
        }
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::Refused(RetryRefusal::NotFound) => Code::NotFound.into(),
            RetryError::Refused(RetryRefusal::Forbidden) => Code::InsufficientScope.into(),
            RetryError::Refused(RetryRefusal::Expired | RetryRefusal::TokenVoid)
            | RetryError::Unreadable => Self::from(Code::Conflict).because(error.to_string()),
            RetryError::Store(error) => error.into(),
        }
    }
}

impl From<KeyAdminError> for Problem {
    fn from(error: KeyAdminError) -> Self {
        match error {
            KeyAdminError::ReauthenticationRequired(_) => Code::ReauthenticationRequired.into(),
            KeyAdminError::Store(error) => error.into(),
            KeyAdminError::Change(error) => match error {
                KeyChangeError::Forbidden => Code::InsufficientScope.into(),
                KeyChangeError::Unknown(_) => Code::NotFound.into(),
                KeyChangeError::TooYoung { .. }
                | KeyChangeError::NoNext
                | KeyChangeError::Retired { .. }
                | KeyChangeError::Removed(_)
                | KeyChangeError::Revoked(_)
                | KeyChangeError::Exists(_)
                | KeyChangeError::WasHere(_) => {
                    Self::from(Code::Conflict).because(error.to_string())
                }
                KeyChangeError::Keys(_) => Self::from(Code::InternalError).caused_by(error),
            },
        }
    }
}

impl From<AdminRefusal> for Problem {
    fn from(error: AdminRefusal) -> Self {
        match error {
            AdminRefusal::NotFound => Code::NotFound.into(),
            AdminRefusal::Forbidden => Code::InsufficientScope.into(),
            AdminRefusal::NotActive | AdminRefusal::LastAdmin | AdminRefusal::Invited => {
                Self::from(Code::Conflict).because(error.to_string())
            }
            AdminRefusal::Grant(error) => error.into(),
        }
    }
}

impl From<GrantError> for Problem {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::BeyondOwnAuthority => {
                Self::from(Code::InsufficientScope).because(error.to_string())
            }
            GrantError::UnknownRole(_) => {
                let message = error.to_string();
                Self::from(Code::ValidationFailed).with_error("roles", "unknown_role", message)
            }
            GrantError::TooManyPermissions => {
                let message = error.to_string();
                Self::from(Code::ValidationFailed).with_error("permissions", "too_many", message)
            }
            GrantError::TooManyRoles => {
                let message = error.to_string();
                Self::from(Code::ValidationFailed).with_error("roles", "too_many", message)
            }
            GrantError::NameTaken | GrantError::BuiltIn | GrantError::Cycle | GrantError::InUse => {
                Self::from(Code::Conflict).because(error.to_string())
            }
        }
    }
}

fn new_password(field: &str, error: NewPasswordError) -> Problem {
    match error {
        NewPasswordError::Weak(fault) => {
            let message = fault.to_string();
            Problem::from(Code::WeakPassword).with_error(field, fault.code(), message)
        }
        NewPasswordError::Overloaded(error) => error.into(),
    }
}

fn wrong_password(field: &str) -> Problem {
    let message = "is not the password of this account";
    Problem::from(Code::ValidationFailed).with_error(field, "wrong_password", message)
}

fn rate_limited(retry_after: u32) -> Problem {
    Problem::from(Code::RateLimited).retry_after(retry_after)
}
