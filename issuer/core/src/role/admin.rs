//! What admins do with roles; each change needs a fresh login.

use std::sync::Arc;

use super::{Role, RoleCatalogue, RoleName};
use crate::account::admin::AdminError;
use crate::audit::Origin;
use crate::issuer::Issuer;
use crate::ports::StoreResult;
use crate::session::LiveSession;

impl Issuer {
    /// All roles.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn roles(&self) -> StoreResult<Arc<RoleCatalogue>> {
        self.store.role_catalogue().await
    }

    /// Adds a role.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn create_role(
        &self,
        origin: &Origin,
        session: &LiveSession,
        role: Role,
    ) -> Result<(), AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        Ok(self.store.create_role(&context, role).await??)
    }

    /// Puts a role in place of the one of its name.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn replace_role(
        &self,
        origin: &Origin,
        session: &LiveSession,
        role: Role,
    ) -> Result<(), AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        Ok(self.store.replace_role(&context, role).await??)
    }

    /// Deletes a role that nobody holds.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn delete_role(
        &self,
        origin: &Origin,
        session: &LiveSession,
        name: &RoleName,
    ) -> Result<(), AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        Ok(self.store.delete_role(&context, name).await??)
    }
}
