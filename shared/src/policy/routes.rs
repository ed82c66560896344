//! From a path and a method to the one rule that decides.
//!
//! Patterns are kept as a tree of segments. Looking one up tries a literal before `{x}` before
//! `{*rest}` at each segment, which finds the most specific pattern that matches; it takes as many
//! steps as the path has segments, and more only where patterns overlap. Each node of the tree is
//! looked at once at most, and the path is cut into its segments once, so neither a long path nor a
//! long segment makes a step longer.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::method::{Method, MethodFault};
use super::pattern::{MOST_SEGMENTS, Pattern, Segment};
use super::target::TargetPath;

/// All patterns, and the rules of each.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    root: Node,
}

/// A pattern and methods that lead to a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The pattern, with this rule's own names of parameters.
    pub pattern: Pattern,
    /// The methods.
    pub methods: Methods,
    /// The rule's place in its policy.
    pub rule: usize,
}

/// The methods of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Methods {
    /// GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, as far as no other rule of the same pattern
    /// names them.
    Usual,
    /// These. GET stands for HEAD too, unless another rule of the same pattern names HEAD.
    Named(Vec<String>),
}

/// Two rules that would decide about the same request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteConflict {
    /// The place of the rule that was there first.
    pub earlier: usize,
    /// The method that both name; `None` where neither names any.
    pub method: Option<String>,
}

/// The patterns that begin alike.
#[derive(Clone, Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    parameter: Option<Box<Node>>,
    /// Rules of the pattern that ends here.
    ending: Vec<Route>,
    /// Rules of the pattern that has `{*rest}` here.
    rest: Vec<Route>,
}

impl Methods {
    /// Reads the names in a rule.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, MethodFault> {
        let mut methods: Vec<String> = Vec::new();
        for name in names {
            let method = Method::parse(name.as_bytes());
            let method = method.ok_or_else(|| MethodFault::NotAToken(name.into()))?;
            if method.is_forbidden() {
                return Err(MethodFault::Forbidden(name.into()));
            }
            if methods.iter().any(|earlier| earlier == name) {
                return Err(MethodFault::Duplicate(name.into()));
            }
            methods.push(name.into());
        }
        if methods.is_empty() {
            return Err(MethodFault::Empty);
        }
        Ok(Self::Named(methods))
    }

    fn name(&self, wanted: &str) -> bool {
        match self {
            Self::Usual => false,
            Self::Named(names) => names.iter().any(|name| name == wanted),
        }
    }

    /// A method of both, as far as one of them must be wrong.
    fn conflict(&self, other: &Self) -> Option<Option<String>> {
        match (self, other) {
            (Self::Usual, Self::Usual) => Some(None),
            (Self::Named(names), other @ Self::Named(_)) => names
                .iter()
                .find(|name| other.name(name))
                .cloned()
                .map(Some),
            (Self::Usual, Self::Named(_)) | (Self::Named(_), Self::Usual) => None,
        }
    }
}

impl Routes {
    /// Adds a route.
    ///
    /// # Errors
    /// Where a rule of the same pattern has one of the methods.
    pub fn insert(&mut self, route: Route) -> Result<(), RouteConflict> {
        let mut node = &mut self.root;
        let mut is_rest = false;
        for segment in route.pattern.segments() {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
                Segment::Rest(_) => {
                    is_rest = true;
                    node
                }
            };
        }
        let siblings = if is_rest {
            &mut node.rest
        } else {
            &mut node.ending
        };
        for earlier in siblings.iter() {
            if let Some(method) = earlier.methods.conflict(&route.methods) {
                return Err(RouteConflict {
                    earlier: earlier.rule,
                    method,
                });
            }
        }
        siblings.push(route);
        Ok(())
    }

    /// The route of a request. `None` where no pattern matches, and where the most specific one
    /// has no rule for the method: a request never falls through to a wider pattern.
    #[must_use]
    pub fn find(&self, path: &TargetPath<'_>, method: Method<'_>) -> Option<&Route> {
        if method.is_forbidden() {
            return None;
        }
        let mut segments = [""; MOST_SEGMENTS];
        let mut left = path.segments();
        let mut count: usize = 0;
        for (place, segment) in segments.iter_mut().zip(&mut left) {
            *place = segment;
            count = count.saturating_add(1);
        }
        // What is behind so many segments only matters to `{*rest}`, and there only its end.
        let last = left.last();
        if let (Some(last), Some(place)) = (last, segments.last_mut()) {
            *place = last;
        }
        let segments = segments.get(..count)?;
        let siblings = self.root.matching(segments, last.is_none())?;
        let naming = |name: &str| siblings.iter().find(|route| route.methods.name(name));
        let for_get = || naming("GET").filter(|_| method.as_str() == "HEAD");
        let usual = || {
            let usual = siblings
                .iter()
                .find(|route| route.methods == Methods::Usual);
            usual.filter(|_| method.is_usual())
        };
        naming(method.as_str()).or_else(for_get).or_else(usual)
    }
}

impl Node {
    /// The rules of the most specific pattern that matches what is left of a path.
    fn matching(&self, left: &[&str], is_whole: bool) -> Option<&[Route]> {
        let Some((segment, behind)) = left.split_first() else {
            let ends = is_whole && !self.ending.is_empty();
            return ends.then_some(&self.ending);
        };
        let literal = || self.literals.get(*segment)?.matching(behind, is_whole);
        let parameter = || {
            let node = self.parameter.as_ref().filter(|_| !segment.is_empty())?;
            node.matching(behind, is_whole)
        };
        // Only the last segment of a path can be empty.
        let rest = || {
            let are_filled = left.last().is_some_and(|last| !last.is_empty());
            (are_filled && !self.rest.is_empty()).then_some(self.rest.as_slice())
        };
        literal().or_else(parameter).or_else(rest)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn route(rule: usize, methods: &[&str], pattern: &str) -> Route {
        Route {
            pattern: Pattern::parse(pattern).unwrap(),
            methods: if methods.is_empty() {
                Methods::Usual
            } else {
                Methods::named(methods.iter().copied()).unwrap()
            },
            rule,
        }
    }

    fn routes(all: &[(&[&str], &str)]) -> Routes {
        let mut routes = Routes::default();
        for (rule, (methods, pattern)) in all.iter().enumerate() {
            routes.insert(route(rule, methods, pattern)).unwrap();
        }
        routes
    }

    fn find(routes: &Routes, method: &str, path: &str) -> Option<usize> {
        let path = TargetPath::parse(path.as_bytes()).unwrap();
        let method = Method::parse(method.as_bytes()).unwrap();
        routes.find(&path, method).map(|route| route.rule)
    }

    #[test]
    fn the_most_specific_pattern_decides() {
        let routes = routes(&[
            (&[], "/{*all}"),
            (&[], "/v1/{kind}/{id}"),
            (&[], "/v1/agents/{id}"),
            (&[], "/v1/agents/new"),
            (&[], "/v1/agents/{*rest}"),
            (&[], "/v1/agents/{id}/"),
            (&[], "/"),
            (&[], "/{a}/x/{b}"),
        ]);
        for (path, rule) in [
            ("/", Some(6)),
            ("/a", Some(0)),
            ("/a/", None),
            ("/v1/users/1", Some(1)),
            ("/v1/agents/1", Some(2)),
            ("/v1/agents/new", Some(3)),
            ("/v1/agents/%6eew", Some(3)),
            ("/v1/agents/NEW", Some(2)),
            ("/v1/agents/1/x", Some(4)),
            ("/v1/agents/1/", Some(5)),
            ("/v1/agents/1/x/", None),
            ("/v1/agents/", None),
            ("/v1/agents", Some(0)),
            ("/v1/x/2", Some(1)),
            ("/v2/x/2", Some(7)),
            ("/v1/x/y/z", Some(0)),
        ] {
            assert_eq!(find(&routes, "GET", path), rule, "{path}");
        }
    }

    #[test]
    fn the_rule_that_names_the_method_goes_first_and_nothing_falls_through() {
        let routes = routes(&[
            (&["GET"], "/a"),
            (&[], "/a"),
            (&["PROPFIND"], "/a"),
            (&["GET"], "/b"),
            (&["HEAD"], "/b"),
            (&[], "/{*all}"),
            (&["POST"], "/c"),
        ]);
        for (method, path, rule) in [
            ("GET", "/a", Some(0)),
            ("HEAD", "/a", Some(0)),
            ("POST", "/a", Some(1)),
            ("OPTIONS", "/a", Some(1)),
            ("PROPFIND", "/a", Some(2)),
            ("MKCOL", "/a", None),
            ("get", "/a", None),
            ("TRACE", "/a", None),
            ("CONNECT", "/a", None),
            ("GET", "/b", Some(3)),
            ("HEAD", "/b", Some(4)),
            ("POST", "/b", None),
            ("GET", "/c", None),
            ("HEAD", "/c", None),
            ("GET", "/d", Some(5)),
        ] {
            assert_eq!(find(&routes, method, path), rule, "{method} {path}");
        }
    }

    #[test]
    fn two_rules_for_the_same_are_a_conflict_whatever_their_parameters_are_called() {
        let mut routes = routes(&[(&["GET", "PUT"], "/{a}"), (&[], "/{a}"), (&[], "/{*a}")]);
        let conflict = |earlier, method: Option<&str>| {
            Err(RouteConflict {
                earlier,
                method: method.map(String::from),
            })
        };
        assert_eq!(
            routes.insert(route(3, &["PUT"], "/{b}")),
            conflict(0, Some("PUT"))
        );
        assert_eq!(routes.insert(route(3, &[], "/{b}")), conflict(1, None));
        assert_eq!(routes.insert(route(3, &[], "/{*b}")), conflict(2, None));
        assert_eq!(routes.insert(route(3, &["HEAD"], "/{b}")), Ok(()));
        assert_eq!(routes.insert(route(4, &["GET"], "/{*b}")), Ok(()));
    }

    #[test]
    fn methods_that_no_rule_may_have_are_told() {
        let named = |names: &[&str]| Methods::named(names.iter().copied());
        assert_eq!(named(&[]), Err(MethodFault::Empty));
        assert_eq!(named(&["A B"]), Err(MethodFault::NotAToken("A B".into())));
        assert_eq!(
            named(&["TRACE"]),
            Err(MethodFault::Forbidden("TRACE".into()))
        );
        assert_eq!(
            named(&["GET", "GET"]),
            Err(MethodFault::Duplicate("GET".into()))
        );
    }

    #[test]
    fn a_long_path_is_left_where_patterns_end() {
        let routes = routes(&[(&[], "/a/{b}"), (&[], "/x/{*rest}")]);
        let long = "/a".repeat(100_000);
        assert_eq!(find(&routes, "GET", &long), None);
        assert_eq!(find(&routes, "GET", &format!("/x{long}")), Some(1));
        assert_eq!(find(&routes, "GET", &format!("/x{long}/")), None);
    }

    #[test]
    fn the_longest_patterns_are_found_and_nothing_longer_is_taken_for_one() {
        let longest = "/a".repeat(64);
        let almost = format!("{}/{{*rest}}", "/a".repeat(63));
        let parameters: String = (0..64).map(|n| format!("/{{p{n}}}")).collect();
        let routes = routes(&[(&[], &longest), (&[], &almost), (&[], &parameters)]);
        for (path, rule) in [
            (longest.clone(), Some(0)),
            (format!("{longest}/"), None),
            (format!("{longest}/a"), Some(1)),
            (format!("{longest}/a/"), None),
            (format!("{}/b", "/a".repeat(63)), Some(1)),
            ("/b".repeat(64), Some(2)),
            ("/b".repeat(65), None),
            ("/b".repeat(63), None),
            (format!("{}/", "/b".repeat(63)), None),
        ] {
            assert_eq!(find(&routes, "GET", &path), rule, "{path}");
        }
    }
}
