//! TOML, with the place of everything.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, FaultKind, Place};
use super::tree::{Kind, Member, Tree};

/// Reads TOML; every mistake in its grammar is told.
pub(super) fn parse(text: &str) -> Result<Tree, Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = table.span();
        return Ok(Tree {
            span: Some(span),
            kind: Kind::Table(members(table.into_inner())),
        });
    }
    let faults = errors.into_iter().map(|error| Fault {
        place: Place::of(error.span().as_ref(), text),
        kind: FaultKind::Syntax(error.message().to_string()),
    });
    let mut faults: Vec<Fault> = faults.collect();
    faults.sort_by_key(|fault| fault.place);
    Err(faults)
}

/// The members in the order of the text.
fn members(table: DeTable<'_>) -> Vec<Member> {
    let mut members: Vec<Member> = table
        .into_iter()
        .map(|(name, value)| Member {
            span: Some(name.span()),
            name: String::from(name.into_inner()),
            value: tree(value),
        })
        .collect();
    members.sort_by_key(|member| member.span.as_ref().map(|span| span.start));
    members
}

fn tree(value: Spanned<DeValue<'_>>) -> Tree {
    let span = Some(value.span());
    let kind = match value.into_inner() {
        DeValue::String(text) => Kind::Text(text.into()),
        DeValue::Integer(integer) => {
            Kind::Number(u64::from_str_radix(integer.as_str(), integer.radix()).ok())
        }
        DeValue::Boolean(value) => Kind::Bool(value),
        DeValue::Array(values) => Kind::List(values.into_iter().map(tree).collect()),
        DeValue::Table(table) => Kind::Table(members(table)),
        DeValue::Float(_) | DeValue::Datetime(_) => Kind::Other,
    };
    Tree { span, kind }
}
