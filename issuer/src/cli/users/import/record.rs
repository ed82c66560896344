//! What the fields of a row mean: Signet's own, or those of Supabase's `auth.users`, which are known
//! by their names. docs/IMPORT.md says the same for people.
//!
//! Nothing that is said here quotes a value that may be a hash.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use signet_core::account::import::AccountElsewhere;
use signet_core::account::{AccountId, AccountStatus, DisplayName};
use signet_core::email::EmailAddress;
use signet_core::password::PasswordHash;
use signet_core::role::RoleName;
use signet_core::time::UnixTime;
use uuid::Uuid;

use super::fields::{Fields, Value};
use super::timestamp::Timestamp;
use crate::clock;

/// The fields of Signet's own format.
const OWN: [&str; 8] = [
    "id",
    "email",
    "email_verified",
    "name",
    "password_hash",
    "roles",
    "status",
    "created_at",
];
/// Where Supabase keeps a password's hash.
const HASH_OF_SUPABASE: &str = "encrypted_password";
/// Fields that only Supabase's rows name, whether or not they have a value.
const OF_SUPABASE: [&str; 5] = [
    HASH_OF_SUPABASE,
    "instance_id",
    "aud",
    "email_confirmed_at",
    "raw_user_meta_data",
];

/// What a row is.
#[derive(Debug)]
pub(super) enum Read {
    /// An account, and what of it can't be taken along.
    Account {
        account: AccountElsewhere,
        note: Option<&'static str>,
    },
    /// One that was deleted there.
    Deleted,
}

/// Which roles of the other system become which here.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleMap(BTreeMap<String, Option<RoleName>>);

impl RoleMap {
    /// Reads `THEIRS=OURS` and `THEIRS=`.
    pub(super) fn read(given: &[String]) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for text in given {
            let (theirs, ours) = text
                .split_once('=')
                .ok_or_else(|| format!("--role-map {text:?} must look like THEIRS=OURS"))?;
            let ours = match ours {
                "" => None,
                ours => Some(
                    RoleName::parse(ours)
                        .map_err(|error| format!("--role-map {text:?}: {ours:?} {error}"))?,
                ),
            };
            if map.insert(theirs.to_owned(), ours).is_some() {
                return Err(format!("--role-map names {theirs:?} twice"));
            }
        }
        Ok(Self(map))
    }

    /// Ours for theirs; `None` for no role.
    fn ours(&self, theirs: &str) -> Result<Option<RoleName>, String> {
        if let Some(ours) = self.0.get(theirs) {
            return Ok(ours.clone());
        }
        let role = RoleName::parse(theirs).map_err(|_| {
            let shown: String = theirs.chars().take(60).collect();
            format!("the role {shown:?} has no name that a role can have here; see --role-map")
        })?;
        if role.is_admin() {
            let hint = "has the role admin, which no file gives by itself; say --role-map \
                        admin=admin, or admin= for none";
            return Err(hint.to_owned());
        }
        Ok(Some(role))
    }

    fn all<'a>(&self, theirs: impl Iterator<Item = &'a str>) -> Result<BTreeSet<RoleName>, String> {
        let ours = theirs.map(|role| self.ours(role));
        let ours = ours.collect::<Result<Vec<_>, _>>()?;
        let ours = ours.into_iter().flatten();
        Ok(ours.filter(|role| !role.is_user()).collect())
    }
}

/// Whether a file with these fields may have a field of this name. Supabase's rows have dozens.
pub(super) fn is_known(name: &str, names: &[String]) -> bool {
    OWN.contains(&name) || names.iter().any(|name| name == HASH_OF_SUPABASE)
}

/// Reads a row.
pub(super) fn read(mut fields: Fields, roles: &RoleMap) -> Result<Read, String> {
    let is_supabase = OF_SUPABASE.iter().any(|name| fields.names(name));
    if is_supabase {
        return supabase(fields, roles);
    }
    let account = own(&mut fields, roles)?;
    match fields.left() {
        None => Ok(Read::Account {
            account,
            note: None,
        }),
        Some("password") => {
            Err("has a password; passwords are taken as hashes only, in password_hash".to_owned())
        }
        Some(unknown) => {
            let shown: String = unknown.chars().take(60).collect();
            Err(format!("has the field {shown:?}, which nobody knows here"))
        }
    }
}

fn own(fields: &mut Fields, map: &RoleMap) -> Result<AccountElsewhere, String> {
    let status = match fields.text("status")? {
        None => AccountStatus::Active,
        Some(text) => AccountStatus::parse(&text)
            .filter(|status| *status != AccountStatus::Invited)
            .ok_or_else(|| "status is neither active nor suspended".to_owned())?,
    };
    let name = fields.text("name")?;
    let name = name.map(|name| DisplayName::parse(&name));
    let roles = theirs(fields.take("roles"))?;
    Ok(AccountElsewhere {
        id: id(fields)?,
        email: email(fields)?,
        email_verified: fields.truth("email_verified")?.unwrap_or(false),
        name: name.transpose().map_err(|error| format!("name {error}"))?,
        password: password(fields.text("password_hash")?)?,
        roles: map.all(roles.iter().map(String::as_str))?,
        status,
        created_at: past(fields)?,
    })
}

/// Roles: a list in JSON, words in CSV.
fn theirs(roles: Option<Value>) -> Result<Vec<String>, String> {
    let wrong = || "roles is no list of texts".to_owned();
    match roles {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Some(Value::Json(Json::Array(roles))) => roles
            .into_iter()
            .map(|role| match role {
                Json::String(role) => Ok(role),
                _ => Err(wrong()),
            })
            .collect(),
        Some(Value::Json(_)) => Err(wrong()),
    }
}

/// A row of `auth.users`. What a user may write there (`raw_user_meta_data`) gives no role.
fn supabase(mut fields: Fields, map: &RoleMap) -> Result<Read, String> {
    if has_happened(&mut fields, "deleted_at")? {
        return Ok(Read::Deleted);
    }
    let status = match time(&mut fields, "banned_until")? {
        None => AccountStatus::Active,
        Some(Timestamp::Never) => AccountStatus::Suspended,
        Some(Timestamp::At(until)) => match until > clock::unix_seconds() {
            true => AccountStatus::Suspended,
            false => AccountStatus::Active,
        },
    };
    let mut roles: Vec<String> = fields.text("role")?.into_iter().collect();
    roles.retain(|role| map.0.contains_key(role) || role != "authenticated");
    if let Some(Json::Object(mut app)) = fields.json("raw_app_meta_data")? {
        for name in ["role", "roles"] {
            match app.remove(name) {
                None | Some(Json::Null) => {}
                Some(Json::String(role)) => roles.push(role),
                Some(other) => roles.extend(theirs(Some(Value::Json(other)))?),
            }
        }
    }
    let (name, note) = name_of(fields.json("raw_user_meta_data")?);
    Ok(Read::Account {
        account: AccountElsewhere {
            id: id(&mut fields)?,
            email: email(&mut fields)?,
            email_verified: has_happened(&mut fields, "email_confirmed_at")?,
            name,
            password: password(fields.text(HASH_OF_SUPABASE)?)?,
            roles: map.all(roles.iter().map(String::as_str))?,
            status,
            created_at: past(&mut fields)?,
        },
        note,
    })
}

/// The name among what providers and users have written, as far as it can be one.
fn name_of(meta_data: Option<Json>) -> (Option<DisplayName>, Option<&'static str>) {
    let Some(Json::Object(meta_data)) = meta_data else {
        return (None, None);
    };
    let names = ["name", "full_name", "display_name"].into_iter();
    let text = names
        .filter_map(|name| meta_data.get(name).and_then(Json::as_str))
        .map(str::trim)
        .find(|text| !text.is_empty());
    match text.map(DisplayName::parse) {
        None => (None, None),
        Some(Ok(name)) => (Some(name), None),
        Some(Err(_)) => (None, Some("its name can't be one here, and was left out")),
    }
}

fn id(fields: &mut Fields) -> Result<Option<AccountId>, String> {
    let Some(id) = fields.text("id")? else {
        return Ok(None);
    };
    match Uuid::try_parse(&id) {
        // What other systems write for nobody.
        Ok(id) if id.is_nil() || id.is_max() => Err(format!("id {id} names nobody")),
        Ok(id) => Ok(Some(AccountId(id))),
        Err(_) => Err("id is no UUID".to_owned()),
    }
}

fn email(fields: &mut Fields) -> Result<EmailAddress, String> {
    let email = fields.text("email")?.ok_or("has no email")?;
    EmailAddress::parse(&email).map_err(|error| format!("email {error}"))
}

fn password(hash: Option<String>) -> Result<PasswordHash, String> {
    match hash {
        None => Ok(PasswordHash::none()),
        Some(hash) => PasswordHash::from_elsewhere(&hash)
            .map_err(|fault| format!("the password's hash {fault}")),
    }
}

fn past(fields: &mut Fields) -> Result<Option<UnixTime>, String> {
    let Some(time) = time(fields, "created_at")? else {
        return Ok(None);
    };
    match time.as_unix_time() {
        Some(time) if time.as_secs() <= clock::unix_seconds().unsigned_abs() => Ok(Some(time)),
        Some(_) | None => Err("created_at is no time in the past".to_owned()),
    }
}

/// Whether something happened there: its time says so, and nothing else does.
fn has_happened(fields: &mut Fields, name: &'static str) -> Result<bool, String> {
    match time(fields, name)? {
        None => Ok(false),
        Some(Timestamp::At(_)) => Ok(true),
        Some(Timestamp::Never) => Err(format!("{name} is no time at which anything happened")),
    }
}

fn time(fields: &mut Fields, name: &'static str) -> Result<Option<Timestamp>, String> {
    let time = match fields.take(name) {
        None => return Ok(None),
        Some(Value::Text(text)) => Timestamp::read(&text),
        Some(Value::Json(_)) => None,
    };
    match time {
        Some(time) => Ok(Some(time)),
        None => Err(format!("{name} is no time")),
    }
}

#[cfg(test)]
mod tests;
