//! The places in memory where JavaScript and the gate leave each other what they have to say.

/// What one side writes and the other reads, one after the other: neither runs meanwhile.
#[derive(Default)]
pub(crate) struct Exchange {
    input: Vec<u8>,
    output: Vec<u8>,
    results: Words,
}

/// As many numbers as [`Results`] has, and where the text is.
#[derive(Default)]
struct Words(Box<[usize; 9]>);

/// What a decision is, in numbers. `js/core.js` reads them in this order, behind place and length of
/// the text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Results {
    /// [`Results::ALLOWED`], or 0. The text of a refusal is the line of the decision, then name and
    /// value of each header of the answer and its body, a line each.
    pub(crate) outcome: usize,
    /// Where the id of the rule is, which stays there as long as the gate does.
    pub(crate) rule: usize,
    pub(crate) rule_length: usize,
    /// Where JavaScript keeps the identity, if there is one; 0 otherwise.
    pub(crate) slot: usize,
    /// How much of the text is a new identity; the rest are the names to remove.
    pub(crate) identity_length: usize,
    /// 1 where keys would change the decision, 2 where a feed would.
    pub(crate) lacks: usize,
    /// 1 where somebody is let through by keys, 2 where by the feed as well.
    pub(crate) rests_on: usize,
}

impl Results {
    pub(crate) const ALLOWED: usize = 1;
}

impl Exchange {
    /// Makes room for so many bytes; answers where.
    pub(crate) fn reserve(&mut self, length: usize) -> *mut u8 {
        if self.input.len() < length {
            self.input.resize(length, 0);
        }
        self.input.as_mut_ptr()
    }

    /// Where the results are.
    pub(crate) fn results(&self) -> *const u32 {
        self.results.0.as_ptr().cast()
    }

    /// The first bytes that JavaScript has written.
    pub(crate) fn input(&self, length: usize) -> &[u8] {
        self.input.get(..length).unwrap_or_default()
    }

    /// The text, to be written on.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Begins a new text.
    pub(crate) fn clear(&mut self) {
        self.output.clear();
    }

    /// Writes on.
    pub(crate) fn write(&mut self, text: &str) {
        self.output.extend(text.as_bytes());
    }

    /// Answers with these results and the text.
    pub(crate) fn answer(&mut self, results: Results) {
        *self.results.0 = [
            self.output.as_ptr().addr(),
            self.output.len(),
            results.outcome,
            results.rule,
            results.rule_length,
            results.slot,
            results.identity_length,
            results.lacks,
            results.rests_on,
        ];
    }

    /// Answers with a text.
    pub(crate) fn tell(&mut self, text: &str) -> u32 {
        self.clear();
        self.write(text);
        self.answer(Results::default());
        super::DONE
    }

    /// Answers with a text that tells what is wrong.
    pub(crate) fn fail(&mut self, text: &str) -> u32 {
        self.tell(text);
        super::FAILED
    }
}
