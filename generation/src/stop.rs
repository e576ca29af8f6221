//! Ends a text before a stop string, as it is written.
//!
//! A stop string may come in several pieces. So text that could be the beginning of one is held
//! back until it is clear that it is not: what was passed on never has to be taken back.

/// The text of one completion, on its way past its stop strings.
#[derive(Debug)]
pub struct StopStrings<'a> {
    stops: &'a [String],
    held: String,
    is_over: bool,
}

impl<'a> StopStrings<'a> {
    /// At the beginning of a text. Empty stop strings stop nothing.
    pub fn new(stops: &'a [String]) -> Self {
        Self {
            stops,
            held: String::new(),
            is_over: false,
        }
    }

    /// Takes the next piece and gives what can be passed on; nothing any more after a stop.
    pub fn push(&mut self, piece: &str) -> String {
        if self.is_over {
            return String::new();
        }
        self.held.push_str(piece);
        if let Some(stop) = first_stop(&self.held, self.stops) {
            self.held.truncate(stop);
            self.is_over = true;
            return std::mem::take(&mut self.held);
        }
        let rest = self.held.split_off(self.safe());
        std::mem::replace(&mut self.held, rest)
    }

    /// True once a stop string was written.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// What was held back, where the text ends without a stop string.
    pub fn finish(self) -> String {
        self.held
    }

    /// Bytes that no stop string can begin in.
    fn safe(&self) -> usize {
        let begins = |at: &usize| {
            let rest = &self.held[*at..];
            self.stops.iter().any(|stop| stop.starts_with(rest))
        };
        self.held
            .char_indices()
            .map(|(at, _)| at)
            .find(begins)
            .unwrap_or(self.held.len())
    }
}

/// `text` as far as its first stop string.
pub fn before_stop<'a>(text: &'a str, stops: &[String]) -> &'a str {
    &text[..first_stop(text, stops).unwrap_or(text.len())]
}

/// Where the stop string begins that is complete first.
fn first_stop(text: &str, stops: &[String]) -> Option<usize> {
    stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| {
            text.find(stop.as_str())
                .map(|start| (start + stop.len(), start))
        })
        .min()
        .map(|(_, start)| start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(pieces: &[&str], stops: &[&str]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut filter = StopStrings::new(&stops);
        let mut passed: Vec<String> = pieces.iter().map(|piece| filter.push(piece)).collect();
        let is_over = filter.is_over();
        passed.push(filter.finish());
        (passed, is_over)
    }

    #[test]
    fn what_may_become_a_stop_is_held_back() {
        assert_eq!(
            written(&["It is ", "fast.", "\n", "\nNext"], &["\n\n"]),
            (
                ["It is ", "fast.", "", "", ""].map(str::to_owned).to_vec(),
                true
            )
        );
        assert_eq!(
            written(&["one\n", "two"], &["\n\n"]),
            (["one", "\ntwo", ""].map(str::to_owned).to_vec(), false)
        );
        assert_eq!(
            written(&["ends in E", "N"], &["", "END"]),
            (["ends in ", "", "EN"].map(str::to_owned).to_vec(), false)
        );
        assert_eq!(
            written(&["a§b END c X"], &["X", "END"]),
            (["a§b ", ""].map(str::to_owned).to_vec(), true)
        );
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_text_is_the_same(
            text in "[abé]{0,24}",
            stops in prop::collection::vec("[abé]{0,4}", 0..3),
            width in 1usize..5,
        ) {
            let characters: Vec<char> = text.chars().collect();
            let mut filter = StopStrings::new(&stops);
            let mut passed = String::new();
            for piece in characters.chunks(width) {
                passed.push_str(&filter.push(&piece.iter().collect::<String>()));
            }
            passed.push_str(&filter.finish());
            prop_assert_eq!(passed, before_stop(&text, &stops));
        }
    }
}
