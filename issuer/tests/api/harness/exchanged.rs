//! An answer as it came over the wire, made fit to be compared with another.

/// An answer without what differs between any two.
#[derive(Debug, PartialEq)]
pub(crate) struct Exchanged {
    pub(crate) text: String,
    /// The figures of budgets, as they stand in it.
    figures: Vec<u64>,
}

impl Exchanged {
    pub(crate) fn read(answer: &str) -> Self {
        let mut text = answer.to_owned();
        for (before, after) in [
            ("\r\ndate: ", "\r"),
            ("\r\nx-request-id: ", "\r"),
            ("\"request_id\":\"", "\""),
            ("\"registration\":\"", "\""),
        ] {
            if let Some(value) = between(&text, before, after) {
                let mask = format!("{before}<{} characters>{after}", value.len());
                text = text.replacen(&format!("{before}{value}{after}"), &mask, 1);
            }
        }
        let mut figures = Vec::new();
        for (before, after) in [("\r\nretry-after: ", "\r"), (";r=", ";"), (";t=", "\r")] {
            if let Some(value) = between(&text, before, after) {
                figures.push(value.parse().unwrap());
                let mask = format!("{before}<figure>{after}");
                text = text.replacen(&format!("{before}{value}{after}"), &mask, 1);
            }
        }
        Self { text, figures }
    }

    pub(crate) fn status(&self) -> &str {
        self.text.split(' ').nth(1).unwrap()
    }

    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let mut figures = self.figures.iter().zip(&other.figures);
        self.text == other.text && figures.all(|(one, another)| one.abs_diff(*another) <= 5)
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value.to_owned())
}

#[test]
fn what_is_masked_is_masked_and_nothing_else() {
    let answer = "HTTP/1.1 202 Accepted\r\ndate: now\r\nx-request-id: 1\r\nratelimit: \"a\";r=3;t=20\r\n\
                  retry-after: 7\r\n\r\n{\"registration\":\"abc\",\"z\":1}";
    let read = Exchanged::read(answer);
    assert_eq!(
        read.text,
        "HTTP/1.1 202 Accepted\r\ndate: <3 characters>\r\nx-request-id: <1 characters>\r\n\
         ratelimit: \"a\";r=<figure>;t=<figure>\r\nretry-after: <figure>\r\n\r\n\
         {\"registration\":\"<3 characters>\",\"z\":1}"
    );
    assert_eq!(read.figures, [7, 3, 20]);
    let later = Exchanged::read(&answer.replace("retry-after: 7", "retry-after: 70"));
    assert!(!read.is_like(&later));
    let other = Exchanged::read(&answer.replace("z", "y"));
    assert!(!read.is_like(&other) && read.is_like(&read));
}
