//! A question as words, quoted phrases and commas, and a cursor over them.

/// A word, a quoted phrase or a comma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As typed; of a phrase what stands between its quotation marks.
    pub(super) text: String,
    /// In lower case with plain apostrophes; empty for a quoted phrase, so that it is no keyword.
    pub(super) lower: String,
    pub(super) is_quoted: bool,
}

impl Token {
    fn word(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            lower: text.to_lowercase().replace('’', "'"),
            is_quoted: false,
        }
    }

    pub(super) fn is_comma(&self) -> bool {
        self.lower == ","
    }

    pub(super) fn begins_upper(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }
}

/// Words of politeness around a question, which change nothing.
const OPENINGS: [&str; 14] = [
    "can you please",
    "could you please",
    "would you please",
    "can you",
    "could you",
    "would you",
    "i want you to",
    "i would like you to",
    "i'd like you to",
    "hello",
    "hi",
    "hey",
    "please",
    ",",
];

/// The tokens of `question` without politeness and closing marks.
pub(super) fn tokens(question: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = question.trim_start();
    while !rest.is_empty() {
        let length = match quoted(rest) {
            Some((inside, length)) => {
                found.push(Token {
                    text: inside.trim().to_owned(),
                    lower: String::new(),
                    is_quoted: true,
                });
                length
            }
            None => {
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                push_word(&rest[..length], &mut found);
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    while found.last().is_some_and(is_closing) {
        found.pop();
    }
    // The last full stop ends the sentence; others belong to initials.
    if let Some(last) = found.last_mut().filter(|last| !last.is_quoted) {
        let bare = last.text.trim_end_matches(['.', '?', '!']).to_owned();
        *last = Token::word(&bare);
    }
    found.retain(|token| token.is_quoted || !token.text.is_empty());
    let mut opening = Cursor::new(&found);
    while opening.eat_any(&OPENINGS) {}
    let at = opening.at;
    found.drain(..at);
    found
}

fn is_closing(token: &Token) -> bool {
    token.is_comma() || ["please", "?", "!", ".", "thanks"].contains(&token.lower.as_str())
}

fn push_word(word: &str, found: &mut Vec<Token>) {
    let bare = word.trim_end_matches(['?', '!', ',', ';', ':', ')', ']']);
    let bare = bare.trim_start_matches(['(', '[']);
    if !bare.is_empty() {
        found.push(Token::word(bare));
    }
    if word.contains([',', ';', ':']) && word.ends_with([',', ';', ':']) {
        found.push(Token::word(","));
    }
}

/// The phrase in quotation marks that `text` begins with, and its length with them.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let open = text.chars().next()?;
    let close: &[char] = match open {
        '"' => &['"'],
        '“' | '„' => &['”', '“', '"'],
        '«' => &['»'],
        '‘' => &['’'],
        _ => return None,
    };
    let inside = &text[open.len_utf8()..];
    let end = inside.find(close)?;
    let mark = inside[end..].chars().next().map_or(0, char::len_utf8);
    inside[..end]
        .contains(char::is_alphanumeric)
        .then_some((&inside[..end], open.len_utf8() + end + mark))
}

/// A place among tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    tokens: &'t [Token],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(tokens: &'t [Token]) -> Self {
        Self { tokens, at: 0 }
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    /// The token `ahead` places on, in lower case; empty past the end.
    pub(super) fn lower(&self, ahead: usize) -> &'t str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.lower.as_str())
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    /// Moves over `words` where they stand here: words parted by spaces, each one or several
    /// parted by `|`.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let mut at = self.at;
        for word in words.split(' ') {
            let Some(token) = self.tokens.get(at) else {
                return false;
            };
            if token.is_quoted || !word.split('|').any(|one| one == token.lower) {
                return false;
            }
            at += 1;
        }
        self.at = at;
        true
    }

    /// Moves over the first of `alternatives` that stands here.
    pub(super) fn eat_any(&mut self, alternatives: &[&str]) -> bool {
        alternatives.iter().any(|words| self.eat(words))
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'t [Token] {
        &self.tokens[self.at.min(self.tokens.len())..]
    }
}
