//! A BibTeX file cut into its entries, so that a broken one does not take the others with it.
//!
//! Braces say where an entry ends; where they do not match, a line that begins with `@type{` does.

/// Braces nested deeper than this are no entry.
const MAX_DEPTH: usize = 60;
/// Longest entry in bytes; abstracts are a few thousand.
const MAX_LENGTH: usize = 1 << 20;

/// A piece of the file that begins with `@`.
#[derive(Debug, PartialEq)]
pub(super) struct Block<'a> {
    /// Line on which it begins, from 1.
    pub(super) line: usize,
    /// Its type, in lower case.
    pub(super) kind: String,
    /// Its bytes, with type and braces.
    pub(super) text: &'a str,
    /// What is wrong with its braces, if anything.
    pub(super) fault: Option<&'static str>,
}

/// Cuts the file: each block ends with its closing brace, or where a line opens the next one.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        if bytes[at] == b'@'
            && let Some(kind) = kind_at(&text[at..])
        {
            let (length, fault) = extent(&text[at..]);
            let block = &text[at..at + length];
            blocks.push(Block {
                line,
                kind,
                text: block,
                fault,
            });
            line += block.bytes().filter(|byte| *byte == b'\n').count();
            at += length;
            continue;
        }
        line += usize::from(bytes[at] == b'\n');
        at += 1;
    }
    blocks
}

/// The type of an entry that begins here: `@article{` is `article`.
fn kind_at(text: &str) -> Option<String> {
    let rest = text.strip_prefix('@')?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .filter(|end| (1..=40).contains(end))?;
    let opens = rest[end..]
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '(']);
    opens.then(|| rest[..end].to_lowercase())
}

/// Bytes of the block that begins here, and what is wrong with it.
fn extent(text: &str) -> (usize, Option<&'static str>) {
    let bytes = text.as_bytes();
    let is_round = text
        .find(['{', '('])
        .is_some_and(|open| bytes[open] == b'(');
    let (mut depth, mut at) = (0_usize, 0);
    let mut deepest = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' | b'(' if depth == 0 => depth = 1,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let fault = if deepest > MAX_DEPTH {
                        Some("its braces are nested too deeply")
                    } else if at > MAX_LENGTH {
                        Some("it is too long")
                    } else {
                        None
                    };
                    return (at + 1, fault);
                }
            }
            b')' if depth == 1 && is_round => return (at + 1, None),
            b'\n' => {
                // The next entry at the start of a line shows that this one was never closed.
                let rest = text.get(at + 1..).unwrap_or("");
                let indent = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                if rest[indent..].starts_with('@') && kind_at(&rest[indent..]).is_some() {
                    return (at + 1, Some("its closing brace is missing"));
                }
            }
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    (text.len(), Some("its closing brace is missing"))
}

/// The key as far as it can be seen.
pub(super) fn key_of(block: &str) -> &str {
    let rest = block.find(['{', '(']).map_or("", |at| &block[at + 1..]);
    let end = rest.find([',', '}', '\n', '=']).unwrap_or(rest.len());
    let key = rest[..end].trim();
    if key.len() <= 200 { key } else { "" }
}
