//! How each type stands in a request: its schema and its reading, side by side.
//!
//! To let requests carry another type, implement [`Member`] for it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error;

use schemars::{Schema, json_schema};
use signet_core::account::{AccountId, AccountStatus, DisplayName};
use signet_core::email::EmailAddress;
use signet_core::password::policy::PasswordFault;
use signet_core::password::{LONGEST, Password};
use signet_core::role::{Permission, RoleName};
use signet_core::session::SessionId;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use signet_verifier::json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::http::problem::{Code, FieldError, Problem};

/// The most faults that one answer lists.
const MOST_FAULTS: usize = 50;

/// Everything that is wrong with the members of a request.
#[derive(Debug, Default)]
pub struct Faults {
    errors: Vec<FieldError>,
    /// Whether something else than a new password is at fault.
    invalid: bool,
}

impl Faults {
    /// Adds one; answers `None`, for readers to end with.
    pub(in crate::http) fn add<T>(
        &mut self,
        field: &str,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.invalid = true;
        self.push(field, code, message.into())
    }

    /// Adds what is wrong with a new password.
    fn add_weakness<T>(&mut self, field: &str, fault: PasswordFault) -> Option<T> {
        self.push(field, fault.code(), fault.to_string().into())
    }

    fn push<T>(
        &mut self,
        field: &str,
        code: &'static str,
        message: Cow<'static, str>,
    ) -> Option<T> {
        if self.errors.len() < MOST_FAULTS {
            self.errors.push(FieldError {
                field: field.chars().take(64).collect(),
                code,
                message,
            });
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn into_problem(self) -> Problem {
        let weak_only = !self.invalid && !self.errors.is_empty();
        let code = if weak_only {
            Code::WeakPassword
        } else {
            Code::ValidationFailed
        };
        Problem::from(code).with_errors(self.errors)
    }
}

/// A type that a member of a request can have.
pub trait Member: Sized + Send + 'static {
    /// What the document says of it.
    fn schema() -> Schema;

    /// Reads a value, or adds to the faults what is wrong with it.
    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self>;

    /// What it is where the member isn't there; `None` where it must be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A member that may be left out.
impl<T: Member> Member for Option<T> {
    fn schema() -> Schema {
        T::schema()
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        T::read(value, field, faults).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A member of a PATCH: left out, it changes nothing; `null` removes what is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Change<T> {
    /// It stays.
    Keep,
    /// It is this from now on.
    Set(Option<T>),
}

impl<T: Member> Member for Change<T> {
    fn schema() -> Schema {
        json_schema!({ "anyOf": [T::schema(), { "type": "null" }] })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        if value == Value::Null {
            return Some(Self::Set(None));
        }
        T::read(value, field, faults).map(|value| Self::Set(Some(value)))
    }

    fn absent() -> Option<Self> {
        Some(Self::Keep)
    }
}

/// A list in which nothing stands twice.
impl<T: Member + Ord> Member for BTreeSet<T> {
    fn schema() -> Schema {
        json_schema!({ "type": "array", "items": T::schema(), "uniqueItems": true })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let Value::Array(values) = value else {
            return faults.add(field, "wrong_type", "must be a list");
        };
        let given = values.len();
        let mut set = Self::new();
        for (index, value) in values.into_iter().enumerate() {
            let element = format!("{field}[{index}]");
            if let Some(value) = T::read(value, &element, faults)
                && !set.insert(value)
            {
                faults.add::<()>(&element, "duplicate", "stands in the list twice");
            }
        }
        (set.len() == given).then_some(set)
    }
}

/// A secret that is handed on as it is: a token, whatever it looks like.
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// The text, for the use case that judges it.
    pub(crate) fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

/// The password of a new account, or a new password: what is wrong with it is `weak_password`.
pub(crate) struct NewPassword(pub(crate) Password);

/// What it must be. Only the configuration knows the minimum, and the document is everybody's.
const NEW_PASSWORD: &str = "At least `password.minimum` characters (12 unless configured), at most \
    256, and not a common one.";

/// Text for people to read: up to 500 characters on one line.
pub(crate) struct Sentence(pub(crate) String);

/// Text to look for.
pub(crate) struct SearchText(pub(crate) String);

/// Implements [`Member`] for a type that is a string on the wire.
macro_rules! string_members {
    ($($type:ty: $schema:tt, |$text:ident, $field:ident, $faults:ident| $read:expr;)*) => {
        $(impl Member for $type {
            fn schema() -> Schema {
                json_schema!($schema)
            }

            fn read(value: Value<'_>, $field: &str, $faults: &mut Faults) -> Option<Self> {
                let Value::String($text) = value else {
                    return $faults.add($field, "wrong_type", "must be a string");
                };
                $read
            }
        })*
    };
}

string_members! {
    String: { "type": "string", "maxLength": 255 }, |text, field, faults| {
        if text.len() > 255 {
            return faults.add(field, "too_long", "must be at most 255 bytes");
        }
        Some(text.into_owned())
    };
    Secret: { "type": "string" }, |text, _field, _faults| Some(Self(secret(text)));
    UntrustedRefreshToken: { "type": "string" }, |text, _field, _faults| Some(Self::new(text.into_owned()));
    Password: { "type": "string", "maxLength": LONGEST, "format": "password" },
        |text, field, faults| {
            checked(Self::new(secret(text)), "too_long", field, faults)
        };
    NewPassword: {
            "type": "string",
            "maxLength": LONGEST,
            "format": "password",
            "description": NEW_PASSWORD,
        },
        |text, field, faults| match Password::new(secret(text)) {
            Ok(password) => Some(Self(password)),
            Err(_) => faults.add_weakness(field, PasswordFault::TooLong),
        };
    EmailAddress: { "type": "string", "maxLength": 254, "format": "email" },
        |text, field, faults| checked(Self::parse(&text), "invalid_email", field, faults);
    DisplayName: { "type": "string", "minLength": 1, "maxLength": 100 },
        |text, field, faults| checked(Self::parse(&text), "invalid_name", field, faults);
    RoleName: { "type": "string", "pattern": NAME },
        |text, field, faults| checked(Self::parse(&text), "invalid_name", field, faults);
    Permission: { "type": "string", "pattern": NAME },
        |text, field, faults| checked(Self::parse(&text), "invalid_name", field, faults);
    Sentence: { "type": "string", "maxLength": 500 }, |text, field, faults| {
        if text.chars().count() > 500 || text.chars().any(char::is_control) {
            let message = "must be at most 500 characters, without control characters";
            return faults.add(field, "invalid_text", message);
        }
        Some(Self(text.into_owned()))
    };
    SearchText: { "type": "string", "minLength": 1, "maxLength": 254 }, |text, field, faults| {
        if !(1..=254).contains(&text.chars().count()) {
            return faults.add(field, "out_of_range", "must be 1 to 254 characters");
        }
        Some(Self(text.into_owned()))
    };
    AccountStatus: { "type": "string", "enum": ["active", "suspended", "invited"] },
        |text, field, faults| Self::parse(&text)
            .or_else(|| faults.add(field, "unknown_value", "must be active, suspended or invited"));
    AccountId: { "type": "string", "format": "uuid" },
        |text, field, faults| uuid(&text, field, faults).map(Self);
    SessionId: { "type": "string", "format": "uuid" },
        |text, field, faults| uuid(&text, field, faults).map(Self);
}

/// The grammar of names that every verifier takes: [`signet_verifier::name`].
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$";

fn secret(text: Cow<'_, str>) -> Zeroizing<String> {
    Zeroizing::new(text.into_owned())
}

fn checked<T, E: Error>(
    read: Result<T, E>,
    code: &'static str,
    field: &str,
    faults: &mut Faults,
) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => faults.add(field, code, error.to_string()),
    }
}

/// An id in its one spelling: lower case, with hyphens.
fn uuid(text: &str, field: &str, faults: &mut Faults) -> Option<Uuid> {
    let canonical = Uuid::try_parse(text)
        .ok()
        .filter(|id| id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text);
    canonical.or_else(|| faults.add(field, "invalid_id", "is not an id"))
}
