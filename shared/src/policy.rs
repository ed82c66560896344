//! Which rule decides about a request, and whether its condition holds.
//!
//! A request's target becomes a [`TargetPath`] or is refused. [`Routes`] finds the most specific
//! [`Pattern`] that matches it, and among the rules of that pattern the one for the method. The
//! rule's [`Condition`] is then held against what a verified token says. A [`Policy`] is where the
//! rules come from.
//!
//! To add a kind of condition, give [`Condition`] a variant and say in its `holds` what it needs.

mod condition;
pub mod document;
mod method;
mod pattern;
mod routes;
mod target;

pub use condition::{Condition, Facts, Verdict};
pub use document::Policy;
pub use method::{Method, MethodFault};
pub use pattern::{Pattern, PatternFault, Segment};
pub use routes::{Methods, Route, RouteConflict, Routes};
pub use target::{TargetFault, TargetPath, decode_segment};
