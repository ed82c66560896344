//! Path patterns: literal segments, `{x}` for one segment, `{*rest}` for all that follow.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::target::{TargetFault, normalize, read_further};

/// The most segments of a pattern.
pub(super) const MOST_SEGMENTS: usize = 64;
/// The longest pattern, in bytes.
const LONGEST: usize = 2_048;

/// A pattern of paths. The default one has no segment, and no path is like that.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pattern {
    segments: Vec<Segment>,
}

/// What a segment of a path must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Segment {
    /// Exactly this, in its one spelling; empty where the pattern ends in a slash.
    Literal(String),
    /// Anything but nothing, under this name.
    Parameter(String),
    /// This and all that follow, none of them empty.
    Rest(String),
}

/// Why a text isn't a pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PatternFault {
    /// A literal segment that no path has.
    Path(TargetFault),
    /// Braces that aren't around a whole segment.
    Braces,
    /// A parameter whose name isn't `[A-Za-z_][A-Za-z0-9_]*`.
    ParameterName,
    /// Two parameters of one name.
    DuplicateParameter(String),
    /// `{*rest}` before the last segment.
    RestNotLast,
    /// More than 64 segments, or more than 2,048 bytes.
    TooLong,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.len() > LONGEST || text.split('/').skip(1).count() > MOST_SEGMENTS {
            return Err(PatternFault::TooLong);
        }
        let path = text
            .strip_prefix('/')
            .ok_or(PatternFault::Path(TargetFault::NotAPath))?;
        let mut segments = Vec::new();
        let mut texts = path.split('/').peekable();
        while let Some(text) = texts.next() {
            let is_last = texts.peek().is_none();
            let segment = Segment::parse(text)?;
            match &segment {
                Segment::Literal(literal) if literal.is_empty() && !is_last => {
                    return Err(PatternFault::Path(TargetFault::EmptySegment));
                }
                Segment::Rest(_) if !is_last => return Err(PatternFault::RestNotLast),
                _ => segments.push(segment),
            }
        }
        let pattern = Self { segments };
        match pattern.duplicate_parameter() {
            Some(name) => Err(PatternFault::DuplicateParameter(name.into())),
            None => Ok(pattern),
        }
    }

    /// The segments, from the left.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The names of the parameters, from the left, and which segment each one is.
    pub fn parameters(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.segments.iter().map(Segment::parameter_name);
        names
            .enumerate()
            .filter_map(|(place, name)| Some((place, name?)))
    }

    fn duplicate_parameter(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.parameters().map(|(_, name)| name).collect();
        names.sort_unstable();
        let mut pairs = names.windows(2);
        pairs
            .find(|pair| pair.first() == pair.last())?
            .first()
            .copied()
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, PatternFault> {
        if let Some(inner) = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            return match inner.strip_prefix('*') {
                Some(name) => parameter_name(name).map(Self::Rest),
                None => parameter_name(inner).map(Self::Parameter),
            };
        }
        if text.contains(['{', '}']) {
            return Err(PatternFault::Braces);
        }
        match normalize(text).map_err(PatternFault::Path)?.as_ref() {
            "." | ".." => Err(PatternFault::Path(TargetFault::DotSegment)),
            literal => Ok(Self::Literal(read_further(literal).into())),
        }
    }

    fn parameter_name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }
}

fn parameter_name(text: &str) -> Result<String, PatternFault> {
    let is_word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_word && !text.starts_with(|first: char| first.is_ascii_digit()) && !text.is_empty() {
        Ok(text.into())
    } else {
        Err(PatternFault::ParameterName)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{text}"),
            Segment::Parameter(name) => write!(f, "/{{{name}}}"),
            Segment::Rest(name) => write!(f, "/{{*{name}}}"),
        })
    }
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(fault) => write!(f, "the pattern {fault}"),
            Self::Braces => f.write_str("braces stand around a whole segment or nowhere"),
            Self::ParameterName => {
                f.write_str("the name of a parameter is letters, digits and _, no digit first")
            }
            Self::DuplicateParameter(name) => write!(f, "two parameters are named {name}"),
            Self::RestNotLast => f.write_str("{*…} must be the last segment"),
            Self::TooLong => f.write_str("a pattern has at most 64 segments and 2,048 bytes"),
        }
    }
}

impl core::error::Error for PatternFault {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn patterns_have_one_spelling() {
        for (text, spelled) in [
            ("/", "/"),
            ("/healthz", "/healthz"),
            ("/v1/agents/{agent}", "/v1/agents/{agent}"),
            ("/v1/users/{user}/{*rest}", "/v1/users/{user}/{*rest}"),
            ("/a/", "/a/"),
            ("/{_a1}/", "/{_a1}/"),
            ("/{*all}", "/{*all}"),
            ("/%61/%c3%a9", "/a/%C3%A9"),
            ("/a%3ab%20%40", "/a:b%20@"),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), spelled);
        }
    }

    #[test]
    fn a_pattern_is_only_so_long() {
        assert!(Pattern::parse(&"/a".repeat(64)).is_ok());
        let one_more = Pattern::parse(&"/a".repeat(65));
        assert_eq!(one_more, Err(PatternFault::TooLong));
        let of_bytes = |count| Pattern::parse(&["/", &"a".repeat(count)].concat());
        assert!(of_bytes(2_047).is_ok());
        assert_eq!(of_bytes(2_048), Err(PatternFault::TooLong));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use PatternFault::*;
        for (text, fault) in [
            ("", Path(TargetFault::NotAPath)),
            ("a", Path(TargetFault::NotAPath)),
            ("//", Path(TargetFault::EmptySegment)),
            ("/a//b", Path(TargetFault::EmptySegment)),
            ("/../a", Path(TargetFault::DotSegment)),
            ("/a?b", Path(TargetFault::Character)),
            ("/caf\u{e9}", Path(TargetFault::Character)),
            ("/%2f", Path(TargetFault::SlashLike)),
            ("/a;b", Path(TargetFault::Semicolon)),
            ("/{a", Braces),
            ("/a}", Braces),
            ("/a{b}", Braces),
            ("/{a}b", Braces),
            ("/{}", ParameterName),
            ("/{*}", ParameterName),
            ("/{1a}", ParameterName),
            ("/{a-b}", ParameterName),
            ("/{a}{b}", ParameterName),
            ("/{a}/{a}", DuplicateParameter("a".into())),
            ("/{a}/{*a}", DuplicateParameter("a".into())),
            ("/{*rest}/", RestNotLast),
            ("/{*rest}/a", RestNotLast),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text}");
        }
    }
}
