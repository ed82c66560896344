//! What strangers ask to be mailed to an address: a reset, another verification mail.
//!
//! Whether the address has an account, or a registration that waits, must show neither in the
//! answer nor in its time. So the answer is given once the request itself is in the outbox, sealed,
//! which takes the same work for every address and survives whatever happens next. The worker then
//! does what there is to do, in one transaction with taking the request out.
//!
//! To add a request, add its [`Asked`] and say below what it becomes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Message, NewMail};
use crate::account::{AccountId, AccountStatus};
use crate::audit::{Actor, Context, Origin};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::mail::MailKind;
use crate::mailed_token::{NewMailedToken, Purpose};
use crate::ports::{Credential, StoreResult};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// A new token for the newest registration of the address, or for its unverified account.
    Verification,
    /// A token that sets a new password of the account.
    Reset,
    /// A token that gives an account the address.
    AddressChange {
        /// Whose.
        account: Uuid,
        /// The account's device epoch at that time.
        device_epoch: u64,
    },
}

impl Asked {
    fn kind(self) -> MailKind {
        match self {
            Self::Verification => MailKind::VerifyRequest,
            Self::Reset => MailKind::ResetRequest,
            Self::AddressChange { .. } => MailKind::AddressChangeRequest,
        }
    }

    /// Who asks.
    fn actor(self) -> Actor {
        match self {
            Self::Verification | Self::Reset => Actor::Anonymous,
            Self::AddressChange { account, .. } => Actor::Account(AccountId(account)),
        }
    }

    /// What the token of the mail is for. A request is of no use for longer than it.
    fn purpose(self) -> Purpose {
        match self {
            Self::Verification => Purpose::Verify,
            Self::Reset => Purpose::Reset,
            Self::AddressChange { .. } => Purpose::EmailChange,
        }
    }
}

/// A request as it is sealed: what is asked for, for which address, and by whom.
#[derive(Serialize, Deserialize)]
pub(crate) struct MailRequest {
    asked: Asked,
    canonical: String,
    original: String,
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
}

impl MailRequest {
    fn new(asked: Asked, email: &EmailAddress, origin: &Origin) -> Self {
        Self {
            asked,
            canonical: email.canonical().to_owned(),
            original: email.original().to_owned(),
            ip: origin.ip,
            user_agent: origin.user_agent.clone(),
            request_id: origin.request_id.clone(),
        }
    }

    fn into_parts(self) -> (Asked, EmailAddress, Origin) {
        let origin = Origin {
            ip: self.ip,
            user_agent: self.user_agent,
            request_id: self.request_id,
        };
        let email = EmailAddress::from_stored(self.canonical, self.original);
        (self.asked, email, origin)
    }
}

/// What an entry of the outbox holds under its seal.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Unsealed {
    /// A message to be sent.
    Message(Message),
    /// A request for one.
    Request(MailRequest),
}

impl Issuer {
    /// Keeps a request until the worker has looked who has the address.
    pub(crate) async fn ask_for_mail(
        &self,
        asked: Asked,
        email: &EmailAddress,
        origin: &Origin,
    ) -> StoreResult<()> {
        let now = self.now();
        let expires_at = now.saturating_add(asked.purpose().lifetime());
        let request = MailRequest::new(asked, email, origin);
        let sealed = self.seal_for_outbox(asked.kind(), &request, Some(expires_at));
        self.store.queue_request(now, sealed).await
    }

    /// Does what a request asks for, if there is somebody it can be done for, and takes it out.
    pub(crate) async fn grant(&self, id: Uuid, request: MailRequest) -> StoreResult<()> {
        let (asked, email, origin) = request.into_parts();
        let context = self.context(&origin, asked.actor());
        let granted = match asked {
            Asked::Verification => self.renew_verification(&context, id, &email).await?,
            Asked::Reset => self.issue_reset(&context, id, &email).await?,
            Asked::AddressChange {
                account,
                device_epoch,
            } => {
                let account = AccountId(account);
                self.issue_address_change(&context, id, account, device_epoch, email)
                    .await?
            }
        };
        if granted {
            Ok(())
        } else {
            self.store.mail_delivered(id).await
        }
    }

    async fn renew_verification(
        &self,
        context: &Context,
        request: Uuid,
        email: &EmailAddress,
    ) -> StoreResult<bool> {
        let canonical = email.canonical();
        let account = match self.store.credential(canonical, context.now).await? {
            Credential::Account { account, password } => {
                // Who has no password can't verify; a reset proves the mailbox as well.
                if account.email_verified || password.is_none() {
                    return Ok(false);
                }
                Some(account)
            }
            Credential::Pending { .. } | Credential::Unknown => None,
        };
        let (token, kept) = NewMailedToken::issue(Purpose::Verify, context.now, &*self.randomness);
        let to = account.as_ref().map_or(email, |account| &account.email);
        let message = self.letters.verify(to, &token);
        let id = account.as_ref().map(|account| account.id);
        let mail = self.seal(&message, id, Some(kept.expires_at));
        let store = &self.store;
        match id {
            Some(id) => {
                store
                    .renew_account_verification(context, request, id, kept, mail)
                    .await
            }
            None => {
                store
                    .renew_verification(context, request, canonical, kept, mail)
                    .await
            }
        }
    }

    async fn issue_reset(
        &self,
        context: &Context,
        request: Uuid,
        email: &EmailAddress,
    ) -> StoreResult<bool> {
        let credential = self
            .store
            .credential(email.canonical(), context.now)
            .await?;
        let account = match credential {
            Credential::Account { account, .. } => account,
            Credential::Pending { .. } | Credential::Unknown => return Ok(false),
        };
        if account.status != AccountStatus::Active {
            return Ok(false);
        }
        let (token, kept) = NewMailedToken::issue(Purpose::Reset, context.now, &*self.randomness);
        let message = self
            .letters
            .reset(&account.email, account.name_in_mail(), &token);
        let mail: NewMail = self.seal(&message, Some(account.id), Some(kept.expires_at));
        self.store
            .issue_reset(context, request, account.id, kept, mail)
            .await
    }
}
