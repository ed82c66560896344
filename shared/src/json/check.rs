//! The whole grammar of a text, and its limits, before anything in it is read.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::scanner::{Literal, Scanner};
use super::{JsonError, Limits};

/// Names, and values as they are written.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// How many members most texts have at most: room for them is made at once.
const USUALLY: usize = 16;

/// Checks a text that holds one value and nothing else, and answers the members of that value as they
/// are written; none where it isn't an object.
pub(super) fn check<'a>(text: &'a str, limits: &Limits) -> Result<Members<'a>, JsonError> {
    let mut checker = Checker {
        scanner: Scanner::new(text),
        limits,
        names: Vec::new(),
        members: Vec::with_capacity(USUALLY),
        has_duplicates: false,
    };
    checker.scanner.skip_blanks();
    checker.value(0)?;
    checker.scanner.skip_blanks();
    match (checker.scanner.rest(), checker.has_duplicates) {
        ("", false) => Ok(checker.members),
        ("", true) => Err(JsonError::Duplicate),
        _ => Err(JsonError::Syntax),
    }
}

struct Checker<'a, 'l> {
    scanner: Scanner<'a>,
    limits: &'l Limits,
    /// The names so far of every object that is still open, the innermost one's last.
    names: Vec<Cow<'a, str>>,
    /// The members of the outermost object.
    members: Members<'a>,
    has_duplicates: bool,
}

impl<'a> Checker<'a, '_> {
    /// Takes the value ahead, which is inside of `depth` arrays and objects.
    fn value(&mut self, depth: usize) -> Result<&'a str, JsonError> {
        let start = self.scanner;
        match self.scanner.peek().ok_or(JsonError::Syntax)? {
            b'{' => self.object(self.deeper(depth)?)?,
            b'[' => self.array(self.deeper(depth)?)?,
            b'"' => drop(self.string()?),
            b't' => self.scanner.expect("true")?,
            b'f' => self.scanner.expect("false")?,
            b'n' => self.scanner.expect("null")?,
            _ => self.scanner.number()?,
        }
        self.scanner.taken_since(start)
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth < self.limits.depth {
            Ok(depth.saturating_add(1))
        } else {
            Err(JsonError::Limit)
        }
    }

    fn string(&mut self) -> Result<Literal<'a>, JsonError> {
        let string = self.scanner.string()?;
        if string.length > self.limits.string {
            return Err(JsonError::Limit);
        }
        Ok(string)
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.scanner.expect("[")?;
        self.scanner.skip_blanks();
        if self.scanner.takes("]") {
            return Ok(());
        }
        loop {
            self.scanner.skip_blanks();
            self.value(depth)?;
            self.scanner.skip_blanks();
            match self.scanner.take(1)? {
                "," => {}
                "]" => return Ok(()),
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.scanner.expect("{")?;
        self.scanner.skip_blanks();
        if self.scanner.takes("}") {
            return Ok(());
        }
        let outer = self.names.len();
        loop {
            self.scanner.skip_blanks();
            let name = self.string()?.resolve();
            if self.names.len().saturating_sub(outer) >= self.limits.members {
                return Err(JsonError::Limit);
            }
            let of_outermost = (depth == 1).then(|| name.clone());
            self.names.push(name);
            self.scanner.skip_blanks();
            self.scanner.expect(":")?;
            self.scanner.skip_blanks();
            let value = self.value(depth)?;
            self.members.extend(of_outermost.map(|name| (name, value)));
            self.scanner.skip_blanks();
            match self.scanner.take(1)? {
                "," => {}
                "}" => break,
                _ => return Err(JsonError::Syntax),
            }
        }
        self.close_object(outer);
        Ok(())
    }

    /// Compares the names of the object whose names begin at `outer`, and forgets them.
    fn close_object(&mut self, outer: usize) {
        let names = self.names.get_mut(outer..).unwrap_or_default();
        names.sort_unstable();
        self.has_duplicates |= names.windows(2).any(|pair| pair.first() == pair.last());
        self.names.truncate(outer);
    }
}
