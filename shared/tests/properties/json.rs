//! JSON, against serde_json: what we take it takes, with the same values, and what it takes we
//! refuse for duplicates and limits only.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use signet_verifier::json::{Checked, JsonError, Limits, Object, Value};

use crate::inputs;

/// JSON with every member in its place, the ones named twice as well.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

#[expect(clippy::as_conversions, reason = "equal integers become equal floats")]
impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Tree::Object(object))
    }
}

impl Tree {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(text) => serde_json::from_str(text).unwrap_or(Self::Number(f64::NAN)),
            Value::String(text) => Self::String(text.to_string()),
            Value::Array(values) => Self::Array(values.iter().map(Self::of).collect()),
            Value::Object(members) => {
                let member = |(name, value): &(Cow<'_, str>, Value<'_>)| {
                    (name.clone().into_owned(), Self::of(value))
                };
                Self::Object(members.iter().map(member).collect())
            }
        }
    }

    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Array(values) => values.iter().collect(),
            Self::Object(members) => members.iter().map(|(_, value)| value).collect(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => Vec::new(),
        }
    }

    fn depth(&self) -> usize {
        let nests = matches!(self, Self::Array(_) | Self::Object(_));
        let deepest = self.children().into_iter().map(Self::depth).max();
        usize::from(nests) + deepest.unwrap_or(0)
    }

    fn most_members(&self) -> usize {
        let own = if let Self::Object(members) = self {
            members.len()
        } else {
            0
        };
        let below = self.children().into_iter().map(Self::most_members).max();
        own.max(below.unwrap_or(0))
    }

    fn longest_string(&self) -> usize {
        let own = match self {
            Self::String(text) => text.len(),
            Self::Object(members) => members
                .iter()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or(0),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) => 0,
        };
        let below = self.children().into_iter().map(Self::longest_string).max();
        own.max(below.unwrap_or(0))
    }

    fn has_duplicates(&self) -> bool {
        let own = if let Self::Object(members) = self {
            let names: HashSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
            names.len() < members.len()
        } else {
            false
        };
        own || self.children().into_iter().any(Self::has_duplicates)
    }

    fn verdict(&self, limits: &Limits) -> Result<(), JsonError> {
        let fits = self.depth() <= limits.depth
            && self.most_members() <= limits.members
            && self.longest_string() <= limits.string;
        match (fits, self.has_duplicates()) {
            (false, _) => Err(JsonError::Limit),
            (true, true) => Err(JsonError::Duplicate),
            (true, false) => Ok(()),
        }
    }
}

const LIMITS: Limits = Limits {
    depth: 4,
    members: 4,
    string: 12,
};

fn blanks() -> BoxedStrategy<String> {
    prop_oneof![6 => Just(String::new()), 1 => "[ \t\n\r]{1,2}"].boxed()
}

fn string() -> BoxedStrategy<String> {
    let piece = prop_oneof![
        4 => "[a-c]",
        1 => r"\\u006[1-3]",
        1 => r#"\\["\\/bfnrt]"#,
        1 => r"\\u(00[0-9A-F]{2}|[0-9a-f]{4}|d83d\\ude0[0-9])",
        1 => any::<char>().prop_filter("escaped", |c| *c >= ' ' && *c != '"' && *c != '\\')
            .prop_map(String::from),
    ];
    vec(piece, 0..5)
        .prop_map(|pieces| format!("\"{}\"", pieces.concat()))
        .boxed()
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?"
}

/// Text that is JSON, but for lone surrogates.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => string(),
        3 => number(),
        1 => prop::sample::select(vec!["null".to_owned(), "true".to_owned(), "false".to_owned()]),
    ];
    let nested = leaf.prop_recursive(5, 32, 5, |inner| {
        let spaced = (blanks(), inner, blanks())
            .prop_map(|(a, value, b)| a + &value + &b)
            .boxed();
        let member = (blanks(), string(), blanks(), spaced.clone())
            .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
        prop_oneof![
            (blanks(), vec(spaced, 0..4))
                .prop_map(|(a, values)| format!("[{a}{}]", values.join(","))),
            (blanks(), vec(member, 0..6))
                .prop_map(|(a, members)| format!("{{{a}{}}}", members.join(","))),
        ]
    });
    (blanks(), nested, blanks()).prop_map(|(a, value, b)| a + &value + &b)
}

/// JSON, and what is nearly that.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"{}[]\":,\\u0eE+-. dD"[..])
    ];
    let edits = vec((any::<prop::sample::Index>(), byte), 0..3);
    (json(), edits).prop_map(|(text, edits)| {
        let mut bytes = text.into_bytes();
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(inputs(5_000))]

    #[test]
    fn verdicts_and_values_are_those_of_serde_json(text in nearly_json()) {
        let ours = Value::parse(&text, &LIMITS);
        match serde_json::from_slice::<Tree>(&text) {
            Ok(theirs) => {
                prop_assert_eq!(ours.as_ref().map(|_| ()).map_err(|e| *e), theirs.verdict(&LIMITS));
                if let Ok(ours) = &ours {
                    prop_assert_eq!(Tree::of(ours), theirs);
                }
            }
            // A number that no float holds is JSON all the same.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            Err(_) => prop_assert!(matches!(ours, Err(JsonError::Syntax | JsonError::Limit))),
        }
    }

    #[test]
    fn limits_are_told_only_of_what_exceeds_them(text in nearly_json()) {
        let all = Value::parse(&text, &Limits::DOCUMENT);
        let some = Value::parse(&text, &LIMITS);
        prop_assert_ne!(all.as_ref().err(), Some(&JsonError::Limit));
        if some != Err(JsonError::Limit) {
            prop_assert_eq!(some, all);
        }
    }

    #[test]
    fn members_are_found_without_the_tree_as_within_it(text in nearly_json()) {
        let tree = Value::parse(&text, &LIMITS);
        let object = Object::parse(&text, &LIMITS);
        if let (Ok(Value::Object(members)), Ok(object)) = (&tree, &object) {
            prop_assert!(object.names().eq(members.iter().map(|(name, _)| name.as_ref())));
            for (name, value) in members {
                prop_assert_eq!(object.get(name).map(Value::from), Some(value.clone()));
            }
        } else {
            prop_assert!(object.is_err());
            prop_assert!(!matches!(tree, Ok(Value::Object(_))));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(text in vec(any::<u8>(), 0..200)) {
        let _any = Checked::parse(&text, &Limits::TOKEN);
    }
}
