//! A path as OpenAPI writes it, and requests that fit it.
//!
//! A parameter is a segment or part of one (`{id}`, `{name}.json`). Frameworks also write `{*path}`
//! or `{path+}` for one that goes over slashes, which OpenAPI itself doesn't have.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use signet_verifier::policy::{Pattern, Segment};

/// What a client encodes in a path that is written out in a document (RFC 3986, section 3.3).
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'|');

/// A path with parameters.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    /// What parameters are filled with.
    value: String,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    /// A parameter with the text around it.
    Parameter {
        before: String,
        behind: String,
    },
    /// One segment or more.
    Rest,
}

impl Template {
    pub(super) fn parse(path: &str, value: &str) -> Self {
        Self {
            parts: path.split('/').skip(1).map(Part::parse).collect(),
            value: value.to_owned(),
        }
    }

    /// Paths that fit, each parameter filled with the value.
    pub(super) fn examples(&self) -> Vec<String> {
        let shortest = self.parts.len();
        let has_rest = self.parts.iter().any(|part| matches!(part, Part::Rest));
        let longest = shortest.saturating_add(usize::from(has_rest));
        (shortest..=longest)
            .map(|length| self.filled(length, None))
            .collect()
    }

    /// A path that fits and comes as close to a pattern as it can.
    pub(super) fn towards(&self, pattern: &Pattern) -> String {
        self.filled(pattern.segments().len(), Some(pattern))
    }

    /// Whether a path fits.
    pub(super) fn fits(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let parts = self.of_length(segments.len());
        parts.len() == segments.len()
            && parts
                .iter()
                .zip(segments)
                .all(|(part, segment)| part.fits(segment))
    }

    fn filled(&self, length: usize, pattern: Option<&Pattern>) -> String {
        let wanted = |place: usize| match pattern.and_then(|pattern| pattern.segments().get(place))
        {
            Some(Segment::Literal(literal)) => Some(literal.as_str()),
            Some(Segment::Parameter(_) | Segment::Rest(_)) | None => None,
        };
        let parts = self.of_length(length).into_iter().enumerate();
        parts
            .map(|(place, part)| format!("/{}", part.filled(&self.value, wanted(place))))
            .collect()
    }

    /// The parts, the rest as so many segments as make the whole that long.
    fn of_length(&self, length: usize) -> Vec<&Part> {
        let others = self.parts.len().saturating_sub(1);
        let rests = length.saturating_sub(others).max(1);
        let times = |part: &Part| if matches!(part, Part::Rest) { rests } else { 1 };
        let parts = self.parts.iter();
        parts
            .flat_map(|part| std::iter::repeat_n(part, times(part)))
            .collect()
    }
}

impl Part {
    fn parse(segment: &str) -> Self {
        let inner = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if inner.is_some_and(|name| name.starts_with('*') || name.ends_with(['+', '*'])) {
            return Self::Rest;
        }
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        match (segment.split_once('{'), segment.rsplit_once('}')) {
            (Some((before, _)), Some((_, behind))) => Self::Parameter {
                before: encoded(before),
                behind: encoded(behind),
            },
            _ => Self::Literal(encoded(segment)),
        }
    }

    /// What a request may have here: what is wanted where it fits.
    fn filled(&self, value: &str, wanted: Option<&str>) -> String {
        let wanted = wanted.filter(|wanted| self.fits(wanted));
        match self {
            Self::Literal(text) => text.clone(),
            Self::Parameter { before, behind } => {
                wanted.map_or_else(|| format!("{before}{value}{behind}"), str::to_owned)
            }
            Self::Rest => wanted.unwrap_or(value).to_owned(),
        }
    }

    fn fits(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text) => text == segment,
            Self::Parameter { before, behind } => {
                let inner = segment.strip_prefix(before.as_str());
                let inner = inner.and_then(|rest| rest.strip_suffix(behind.as_str()));
                inner.is_some_and(|inner| !inner.is_empty())
            }
            Self::Rest => !segment.is_empty(),
        }
    }
}
