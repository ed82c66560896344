//! From a tree to a policy, all faults on the way.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::fault::{Fault, FaultKind, Place};
use super::tree::{Kind, Member, Tree};
use super::{Policy, Preflight, Revocation, Rule};
use crate::name::is_name;
use crate::policy::method::MethodFault;
use crate::policy::pattern::{Pattern, Segment};
use crate::policy::routes::{Methods, Route, Routes};

/// Reads a whole policy; `text` is what the spans are of.
pub(super) fn read(tree: &Tree, text: &str) -> Result<Policy, Vec<Fault>> {
    let mut reader = Reader {
        text,
        faults: Vec::new(),
        known_roles: None,
        known_permissions: None,
    };
    let policy = reader.policy(tree);
    reader.faults.sort_by_key(|fault| fault.place);
    match policy {
        Some(policy) if reader.faults.is_empty() => Ok(policy),
        _ => Err(reader.faults),
    }
}

pub(super) struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
    pub(super) known_roles: Option<Vec<String>>,
    pub(super) known_permissions: Option<Vec<String>>,
}

/// The members of a table that haven't been asked for yet.
struct Members<'t> {
    left: Vec<&'t Member>,
    span: Option<&'t Range<usize>>,
}

/// What rules may not have in common with earlier ones.
#[derive(Default)]
struct Seen {
    /// Of each rule, faulty or not, its id, if it has one.
    ids: Vec<Option<Arc<str>>>,
    distinct: BTreeSet<Arc<str>>,
    routes: Routes,
}

impl Seen {
    /// Adds a rule, and tells what it has in common with an earlier one.
    fn clashes(&mut self, id: Option<Arc<str>>, route: Option<&Route>) -> Vec<FaultKind> {
        let mut clashes = Vec::new();
        if let Some(id) = &id
            && !self.distinct.insert(Arc::clone(id))
        {
            clashes.push(FaultKind::DuplicateId(id.as_ref().into()));
        }
        let inserted = route.cloned().map(|route| self.routes.insert(route));
        if let Some(Err(conflict)) = inserted {
            let with = self.ids.get(conflict.earlier).cloned().flatten();
            clashes.push(FaultKind::Conflict {
                with: with.as_deref().unwrap_or_default().into(),
                method: conflict.method,
            });
        }
        self.ids.push(id);
        clashes
    }
}

impl<'t> Members<'t> {
    fn take(&mut self, name: &str) -> Option<&'t Tree> {
        let at = self.left.iter().position(|member| member.name == name)?;
        Some(&self.left.remove(at).value)
    }
}

impl Reader<'_> {
    pub(super) fn fault<T>(&mut self, span: Option<&Range<usize>>, kind: FaultKind) -> Option<T> {
        let place = Place::of(span, self.text);
        self.faults.push(Fault { place, kind });
        None
    }

    pub(super) fn expected<T>(&mut self, tree: &Tree, what: &'static str) -> Option<T> {
        self.fault(tree.span.as_ref(), FaultKind::Expected(what))
    }

    fn members<'t>(&mut self, tree: &'t Tree) -> Option<Members<'t>> {
        match &tree.kind {
            Kind::Table(members) => Some(Members {
                left: members.iter().collect(),
                span: tree.span.as_ref(),
            }),
            _ => self.expected(tree, "a table"),
        }
    }

    fn required<'t>(&mut self, members: &mut Members<'t>, name: &'static str) -> Option<&'t Tree> {
        let value = members.take(name);
        if value.is_none() {
            self.fault::<()>(members.span, FaultKind::Missing(name));
        }
        value
    }

    fn nothing_left(&mut self, members: Members<'_>) {
        for member in members.left {
            let kind = FaultKind::Unknown(member.name.clone());
            self.fault::<()>(member.span.as_ref(), kind);
        }
    }

    fn policy(&mut self, tree: &Tree) -> Option<Policy> {
        let mut members = self.members(tree)?;
        let version = self.required(&mut members, "version");
        if let Some(other) = version.filter(|tree| !matches!(tree.kind, Kind::Number(Some(1)))) {
            self.expected::<()>(other, "1");
        }
        let issuer = self.required(&mut members, "issuer");
        let issuer = issuer.and_then(|tree| self.filled(tree));
        let audiences = self.required(&mut members, "audience");
        let audiences = audiences.and_then(|tree| self.audiences(tree));
        let forward_token = members.take("forward_token");
        let forward_token = forward_token.map_or(Some(true), |tree| self.flag(tree));
        let preflight = members.take("preflight");
        let preflight = preflight.map_or(Some(Preflight::Rule), |tree| match text(tree) {
            Some("rule") => Some(Preflight::Rule),
            Some("pass") => Some(Preflight::Pass),
            _ => self.expected(tree, "\"rule\" or \"pass\""),
        });
        let known_roles = members.take("known_roles");
        self.known_roles = known_roles.and_then(|tree| self.names(tree));
        let known_permissions = members.take("known_permissions");
        self.known_permissions = known_permissions.and_then(|tree| self.names(tree));
        let roles = members.take("roles");
        let roles = roles.map_or_else(BTreeMap::new, |tree| self.roles(tree));
        let rules = members.take("rule");
        let (rules, routes) = rules.map_or_else(Default::default, |tree| self.rules(tree));
        self.nothing_left(members);
        Some(Policy {
            issuer: issuer?,
            audiences: audiences?,
            forward_token: forward_token?,
            preflight: preflight?,
            known_roles: self.known_roles.clone(),
            known_permissions: self.known_permissions.clone(),
            roles,
            rules,
            routes,
        })
    }

    fn roles(&mut self, tree: &Tree) -> BTreeMap<String, Vec<String>> {
        let mut roles = BTreeMap::new();
        for member in self.members(tree).map_or_else(Vec::new, |all| all.left) {
            if !is_name(&member.name) {
                self.fault::<()>(member.span.as_ref(), FaultKind::Expected(NAME));
            }
            if let Some(permissions) = self.names(&member.value) {
                roles.insert(member.name.clone(), permissions);
            }
        }
        roles
    }

    /// The rules without a fault of their own, and the routes. What rules have with one another is
    /// told of faulty ones, too.
    fn rules(&mut self, tree: &Tree) -> (Vec<Rule>, Routes) {
        let mut seen = Seen::default();
        let Kind::List(trees) = &tree.kind else {
            self.expected::<()>(tree, "a list of rules");
            return (Vec::new(), seen.routes);
        };
        let rules = trees.iter().filter_map(|tree| self.rule(tree, &mut seen));
        (rules.collect(), seen.routes)
    }

    fn rule(&mut self, tree: &Tree, seen: &mut Seen) -> Option<Rule> {
        let mut members = self.members(tree)?;
        let id = self.required(&mut members, "id");
        let id: Option<Arc<str>> = id.and_then(|tree| self.name(tree)).map(Arc::from);
        let methods = members.take("methods");
        let methods = methods.map_or(Some(Methods::Usual), |tree| self.methods(tree));
        let path = self.required(&mut members, "path");
        let pattern = path.and_then(|tree| self.pattern(tree));
        let allow_tree = self.required(&mut members, "allow");
        let allow = allow_tree.and_then(|tree| self.allow(tree, pattern.as_ref()));
        let revocation = members.take("revocation");
        let revocation = revocation.map_or(Some(Revocation::BestEffort), |tree| match text(tree) {
            Some("required") => Some(Revocation::Required),
            Some("best_effort") => Some(Revocation::BestEffort),
            Some("off") => Some(Revocation::Off),
            _ => self.expected(tree, "\"required\", \"best_effort\" or \"off\""),
        });
        self.nothing_left(members);
        let route = pattern.zip(methods).map(|(pattern, methods)| Route {
            pattern,
            methods,
            rule: seen.ids.len(),
        });
        for kind in seen.clashes(id.clone(), route.as_ref()) {
            self.fault::<()>(tree.span.as_ref(), kind);
        }
        Some(Rule {
            id: id?,
            allow: allow?,
            revocation: revocation?,
            route: route?,
        })
    }

    fn pattern(&mut self, tree: &Tree) -> Option<Pattern> {
        let Some(path) = text(tree) else {
            return self.expected(tree, "a path");
        };
        match Pattern::parse(path) {
            Ok(pattern) => Some(pattern),
            Err(fault) => self.fault(tree.span.as_ref(), FaultKind::Path(fault)),
        }
    }

    fn methods(&mut self, tree: &Tree) -> Option<Methods> {
        let names = self.texts(tree)?;
        let Kind::List(trees) = &tree.kind else {
            return None;
        };
        let faults_before = self.faults.len();
        for (position, (tree, name)) in trees.iter().zip(&names).enumerate() {
            let is_repeated = names.iter().take(position).any(|earlier| earlier == name);
            let fault = match Methods::named([*name]) {
                Err(fault) => Some(fault),
                Ok(_) => is_repeated.then(|| MethodFault::Duplicate((*name).into())),
            };
            if let Some(fault) = fault {
                self.fault::<()>(tree.span.as_ref(), FaultKind::Methods(fault));
            }
        }
        if self.faults.len() > faults_before {
            return None;
        }
        match Methods::named(names) {
            Ok(methods) => Some(methods),
            Err(fault) => self.fault(tree.span.as_ref(), FaultKind::Methods(fault)),
        }
    }

    fn audiences(&mut self, tree: &Tree) -> Option<Vec<String>> {
        let texts = self.texts(tree)?;
        if texts.is_empty() || texts.iter().any(|text| text.is_empty()) {
            return self.expected(tree, "a list of at least one audience, none of them empty");
        }
        Some(texts.into_iter().map(String::from).collect())
    }

    /// A list of names, each once.
    fn names(&mut self, tree: &Tree) -> Option<Vec<String>> {
        let Kind::List(trees) = &tree.kind else {
            return self.expected(tree, "a list of names");
        };
        let mut names: Vec<String> = Vec::new();
        for tree in trees {
            let Some(name) = self.name(tree) else {
                continue;
            };
            if names.contains(&name) {
                self.fault::<()>(tree.span.as_ref(), FaultKind::Duplicate(name.clone()));
            }
            names.push(name);
        }
        Some(names)
    }

    pub(super) fn name(&mut self, tree: &Tree) -> Option<String> {
        match text(tree).filter(|name| is_name(name)) {
            Some(name) => Some(name.into()),
            None => self.expected(tree, NAME),
        }
    }

    fn filled(&mut self, tree: &Tree) -> Option<String> {
        match text(tree).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.into()),
            None => self.expected(tree, "text"),
        }
    }

    fn flag(&mut self, tree: &Tree) -> Option<bool> {
        match tree.kind {
            Kind::Bool(value) => Some(value),
            _ => self.expected(tree, "true or false"),
        }
    }

    fn texts<'t>(&mut self, tree: &'t Tree) -> Option<Vec<&'t str>> {
        let texts = match &tree.kind {
            Kind::List(trees) => trees.iter().map(text).collect(),
            _ => None,
        };
        match texts {
            Some(texts) => Some(texts),
            None => self.expected(tree, "a list of texts"),
        }
    }
}

/// What names of roles, permissions and rules look like.
const NAME: &str = "1 to 64 of A-Z a-z 0-9 . _ : / -, a letter or digit first";

pub(super) fn text(tree: &Tree) -> Option<&str> {
    match &tree.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether `parameter` is one segment of the pattern.
pub(super) fn has_parameter(pattern: &Pattern, parameter: &str) -> bool {
    let is_it =
        |segment: &Segment| matches!(segment, Segment::Parameter(name) if name == parameter);
    pattern.segments().iter().any(is_it)
}
