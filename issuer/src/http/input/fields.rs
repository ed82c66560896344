//! Structs that are read from the members of a body or the parameters of a query.
//!
//! [`members!`] declares one: what it is made of is said once, for the reader and for the document.

use std::borrow::Cow;

use schemars::Schema;
use signet_verifier::json::Value;

use super::member::{Faults, Member};
use crate::http::problem::Problem;

/// One member or parameter, for the document.
#[derive(Debug)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
}

/// A struct of [`members!`].
pub trait Fields: Sized + Send + 'static {
    /// Its name in the document.
    const NAME: &'static str;

    /// What it is for.
    const ABOUT: &'static str;

    /// What it is made of.
    fn fields() -> Vec<Field>;

    /// Reads every member, so that every fault is found; `None` where there was one.
    fn take(given: &mut Given<'_>) -> Option<Self>;
}

/// Members by their names, which are distinct.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The members that were given, and what is wrong with those that were taken.
pub struct Given<'a> {
    members: Members<'a>,
    faults: Faults,
}

impl Given<'_> {
    /// Takes the member `name`.
    pub(crate) fn take<T: Member>(&mut self, name: &'static str) -> Option<T> {
        match self.members.iter().position(|(given, _)| given == name) {
            Some(position) => {
                let (_, value) = self.members.remove(position);
                T::read(value, name, &mut self.faults)
            }
            None => T::absent().or_else(|| self.faults.add(name, "missing", "is missing")),
        }
    }

    /// What is wrong with the members that were taken, and every member that wasn't.
    fn faults(mut self) -> Faults {
        for (name, _) in &self.members {
            self.faults
                .add::<()>(name, "unknown_member", "is not known here");
        }
        self.faults
    }
}

/// Reads a struct of members.
///
/// # Errors
/// `validation_failed` with everything that is wrong, members nobody asked for included;
/// `weak_password` where that is all that is wrong.
pub(super) fn read<T: Fields>(members: Members<'_>) -> Result<T, Problem> {
    let mut given = Given {
        members,
        faults: Faults::default(),
    };
    let read = T::take(&mut given);
    let faults = given.faults();
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        Some(_) | None => Err(faults.into_problem()),
    }
}

/// Reads nothing.
///
/// # Errors
/// `validation_failed` where there is something.
pub(super) fn refuse(members: Members<'_>) -> Result<(), Problem> {
    let given = Given {
        members,
        faults: Faults::default(),
    };
    let faults = given.faults();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.into_problem())
    }
}

/// Declares a struct whose members are read from a body or a query.
macro_rules! members {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $name:ident {
            $($(#[doc = $meaning:literal])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $about])*
        $visibility struct $name {
            $($(#[doc = $meaning])* $visibility $field: $type,)*
        }

        impl $crate::http::input::fields::Fields for $name {
            const NAME: &'static str = stringify!($name);

            const ABOUT: &'static str = concat!($($about),*).trim_ascii();

            fn fields() -> Vec<$crate::http::input::fields::Field> {
                use $crate::http::input::member::Member;
                vec![$($crate::http::input::fields::Field {
                    name: stringify!($field),
                    meaning: concat!($($meaning),*).trim_ascii(),
                    required: <$type as Member>::absent().is_none(),
                    schema: <$type as Member>::schema(),
                },)*]
            }

            fn take(given: &mut $crate::http::input::fields::Given<'_>) -> Option<Self> {
                $(let $field = given.take(stringify!($field));)*
                Some(Self {
                    $($field: $field?,)*
                })
            }
        }
    };
}

pub(crate) use members;
