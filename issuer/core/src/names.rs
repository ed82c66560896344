//! Enums whose values have names: in a store, on the wire, in the trail or in metrics.
//!
//! What writes a name, what reads one and what goes through all of them come from one list. A list
//! of its own can miss a value, and only whoever meets that value hears of it.

/// Any enum that `names!` declares.
pub trait Named: Copy + Eq + 'static {
    /// All its values.
    const ALL: &'static [Self];

    /// The name of one.
    fn name(self) -> &'static str;
}

/// Declares an enum with the names of its values.
macro_rules! names {
    (
        $(#[$about:meta])*
        pub enum $type:ident {
            $($(#[$meaning:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $type {
            $($(#[$meaning])* $variant,)+
        }

        impl $type {
            /// Its name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::names::Named for $type {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

pub(crate) use names;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailKind;

    #[test]
    fn a_value_is_read_by_its_name_only() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(*kind));
        }
        for text in ["", "Verify", "verify ", "addressTaken", "0", "null"] {
            assert_eq!(MailKind::parse(text), None, "{text:?}");
        }
    }
}
