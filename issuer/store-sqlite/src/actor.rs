//! Who asks for a change, and whether they may: read in the transaction of the change.

use std::sync::Arc;

use signet_core::account::{Account, AccountStatus};
use signet_core::audit::{Actor, Context};
use signet_core::ports::{AdminRefusal, Ruled};
use signet_core::role::{Authority, RoleCatalogue, RoleName};
use sqlx::SqliteConnection;

use crate::accounts;
use crate::db::SqliteStore;

/// An actor who holds the permission that the change asks for.
pub(crate) struct Permitted {
    pub(crate) authority: Authority,
    pub(crate) catalogue: Arc<RoleCatalogue>,
}

impl SqliteStore {
    /// The actor's authority as it is in this transaction, if it holds `permission`.
    pub(crate) async fn permitted(
        &self,
        connection: &mut SqliteConnection,
        context: &Context,
        permission: &str,
    ) -> Ruled<Permitted, AdminRefusal> {
        let catalogue = self.known_roles.current(connection).await?;
        let authority = match context.actor {
            Actor::Operator | Actor::System => {
                catalogue.authority(&[RoleName::admin()].into_iter().collect())
            }
            Actor::Anonymous => return Ok(Err(AdminRefusal::Forbidden)),
            Actor::Account(id) => match accounts::find(connection, id).await? {
                Some(account) if is_live(&account) => catalogue.authority(&account.roles),
                Some(_) | None => return Ok(Err(AdminRefusal::Forbidden)),
            },
        };
        if authority.permits(permission) {
            Ok(Ok(Permitted {
                authority,
                catalogue,
            }))
        } else {
            Ok(Err(AdminRefusal::Forbidden))
        }
    }
}

/// Whether an account may act: it isn't suspended, and its mailbox is proven.
pub(crate) fn is_live(account: &Account) -> bool {
    account.status == AccountStatus::Active && account.email_verified
}
