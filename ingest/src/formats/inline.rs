//! Collects the running text of a paragraph from pieces of markup: white space as single spaces,
//! line breaks only where the author set them.

/// Text of a paragraph in the making.
#[derive(Debug, Default)]
pub(super) struct Inline {
    text: String,
    needs_space: bool,
}

impl Inline {
    /// Adds text as it stands in the file.
    pub(super) fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.needs_space = true;
                continue;
            }
            if self.needs_space && !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push(' ');
            }
            self.needs_space = false;
            self.text.push(c);
        }
    }

    /// Adds a line break.
    pub(super) fn line_break(&mut self) {
        self.needs_space = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Adds superscript text, so that it can't be taken for more digits: 10^-3, not 10-3.
    pub(super) fn superscript(&mut self, text: &str) {
        let follows_digit = self.text.ends_with(|c: char| c.is_ascii_digit()) && !self.needs_space;
        let is_number = text.trim().starts_with(|c: char| {
            c.is_ascii_digit() || matches!(c, '-' | '+' | '\u{2212}' | '\u{2013}')
        });
        if follows_digit && is_number {
            self.text.push('^');
        }
        self.push(text);
    }

    /// Adds the mark of a citation or footnote that is set as a superscript: "text[12]".
    pub(super) fn mark(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let is_bare = !text.starts_with(['[', '(']);
        if is_bare {
            self.push("[");
        }
        self.push(text);
        if is_bare {
            self.push("]");
        }
    }

    /// The text so far, leaving nothing.
    pub(super) fn take(&mut self) -> String {
        self.needs_space = false;
        let mut text = std::mem::take(&mut self.text);
        text.truncate(text.trim_end().len());
        text
    }

    /// The text so far.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}
