//! Roles: named sets of permissions that may inherit from one another.
//!
//! [`RoleCatalogue`] holds every role and answers what a person with some of them may do. The
//! rules of who may give what to whom are in [`grant`].

pub mod admin;
pub mod catalogue;
pub mod grant;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

pub use catalogue::{Authority, RoleCatalogue};

/// Text that isn't a role or permission name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits or . _ : / -, starting with a letter or digit")]
pub struct NameError;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $type(String);

        impl $type {
            /// Reads a name of the grammar that verifiers enforce.
            ///
            /// # Errors
            /// When the text is of another grammar.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if signet_verifier::name::is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError)
                }
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

name! {
    /// The name of a role, such as `support`.
    RoleName
}
name! {
    /// One thing somebody may do, such as `agents:read`.
    Permission
}

impl RoleName {
    /// The built-in role that holds every permission there is.
    #[must_use]
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    /// The built-in role that everyone holds.
    #[must_use]
    pub fn user() -> Self {
        Self("user".to_owned())
    }

    /// Whether the role can't be deleted.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.is_admin() || self.is_user()
    }

    /// Whether this is `admin`.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.0 == "admin"
    }

    /// Whether this is `user`.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.0 == "user"
    }
}

/// A role as its author wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What it is for, in a sentence.
    pub description: String,
    /// The permissions it grants by itself.
    pub permissions: BTreeSet<Permission>,
    /// The roles whose permissions it grants as well.
    pub inherits: BTreeSet<RoleName>,
}

/// The most roles one account may be given. With [`MOST_PERMISSION_BYTES`] it keeps every token
/// within what verifiers take: a payload of 5,376 bytes.
pub const MOST_ROLES: usize = 16;

/// The most bytes that all permissions together may take in a token, which an admin's lists in
/// full; quotes and commas included.
pub const MOST_PERMISSION_BYTES: usize = 3_072;

/// Permissions of the issuer's own admin routes; the first that exist.
pub const ADMIN_PERMISSIONS: [&str; 10] = [
    "users:read",
    "users:write",
    "roles:read",
    "roles:write",
    "sessions:write",
    "keys:read",
    "keys:write",
    "audit:read",
    "stats:read",
    "mail:write",
];
