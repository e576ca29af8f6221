//! The `file` field: each program writes the paths of attachments in its own way.
//!
//! JabRef and Zotero write `description:path:type`, several apart by `;`, with `\:` and `\;` for
//! the characters themselves; Mendeley leaves the first slash out; Better BibTeX writes bare paths;
//! BibDesk writes URLs, or a property list in base64 that holds the path.

/// The paths in a `file` field.
pub fn paths(field: &str) -> Vec<String> {
    let field = field
        .trim()
        .replace("{\\_}", "_")
        .replace("{\\&}", "&")
        .replace("\\textunderscore ", "_");
    split(&field, ';')
        .iter()
        .filter_map(|file| path(file.trim()))
        .collect()
}

/// The path in one `description:path:type`.
fn path(file: &str) -> Option<String> {
    if let Some(url) = file.strip_prefix("file:") {
        return Some(from_url(url));
    }
    let parts: Vec<String> = split(file, ':').iter().map(|part| unescape(part)).collect();
    let is_drive =
        |part: &str| part.len() == 1 && part.starts_with(|c: char| c.is_ascii_alphabetic());
    let path = match parts.as_slice() {
        [] => return None,
        [path] => path.clone(),
        [drive, path] if is_drive(drive) => format!("{drive}:{path}"),
        [path, kind] if !path.is_empty() && is_type(kind) => path.clone(),
        [_, path] => path.clone(),
        [drive, path, _] if is_drive(drive) && path.starts_with(['/', '\\']) => {
            format!("{drive}:{path}")
        }
        [_, middle @ .., _] => middle.join(":"),
    };
    let path = path.trim();
    (!path.is_empty()).then(|| path.to_owned())
}

/// "PDF" or "application/pdf", which follow a path.
fn is_type(text: &str) -> bool {
    ["application/", "text/", "image/"]
        .iter()
        .any(|kind| text.starts_with(kind))
        || !text.contains(['.', '/', '\\'])
}

/// The parts between separators that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if c == separator && !is_escaped {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty() || separator == ':');
    parts
}

/// `C\:\\Users` as `C:\Users`; a single backslash before a letter is a path's own.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(&next) if c == '\\' && next.is_ascii_punctuation() => {
                plain.push(next);
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// `//localhost/Users/x%20y.pdf` as `/Users/x y.pdf`.
pub(super) fn from_url(url: &str) -> String {
    let path = url.strip_prefix("//").unwrap_or(url);
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The path in BibDesk's `bdsk-file-1`: a binary property list in base64. Its strings are a byte
/// of kind and length, or two bytes more for the length, and the characters.
pub(super) fn bibdesk(field: &str) -> Option<String> {
    let bytes = base64(field)?;
    if !bytes.starts_with(b"bplist") {
        return None;
    }
    let is_path = |text: &str| {
        let lower = text.to_ascii_lowercase();
        [".pdf", ".html", ".docx", ".md", ".txt", ".xml"]
            .iter()
            .any(|extension| lower.ends_with(extension))
    };
    (0..bytes.len()).find_map(|at| {
        let kind = bytes[at];
        let (length, from) = match (kind & 0x0f, bytes.get(at + 1), bytes.get(at + 2)) {
            (0x0f, Some(0x10), Some(&length)) => (usize::from(length), at + 3),
            (0x0f, ..) => return None,
            (length, ..) => (usize::from(length), at + 1),
        };
        let text = match kind >> 4 {
            5 => String::from_utf8(bytes.get(from..from + length)?.to_vec()).ok()?,
            6 => {
                let units: Vec<u16> = bytes
                    .get(from..from + 2 * length)?
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| u16::from_be_bytes(*pair))
                    .collect();
                String::from_utf16(&units).ok()?
            }
            _ => return None,
        };
        (is_path(&text) && !text.contains(char::is_control)).then_some(text)
    })
}

/// Base64 (RFC 4648), spaces and padding passed over.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace() && *c != b'=')
    {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_the_file_field() {
        for (field, expected) in [
            (":papers/lee.pdf:PDF", vec!["papers/lee.pdf"]),
            (
                "Full Text:files/12/Lee - 2020 - A; B.pdf:application/pdf",
                vec!["files/12/Lee - 2020 - A", "B.pdf"],
            ),
            (
                "Full Text:files/12/Lee - 2020 - A\\; B.pdf:application/pdf",
                vec!["files/12/Lee - 2020 - A; B.pdf"],
            ),
            (
                "PDF:C\\:\\\\Users\\\\ann\\\\lee.pdf:application/pdf",
                vec!["C:\\Users\\ann\\lee.pdf"],
            ),
            ("C:\\Users\\ann\\lee.pdf", vec!["C:\\Users\\ann\\lee.pdf"]),
            (
                ":home/ann/lee{\\_}2020.pdf:pdf;:home/ann/b.pdf:pdf",
                vec!["home/ann/lee_2020.pdf", "home/ann/b.pdf"],
            ),
            ("/home/ann/lee.pdf", vec!["/home/ann/lee.pdf"]),
            (
                "/home/ann/lee.pdf;/home/ann/b.html",
                vec!["/home/ann/lee.pdf", "/home/ann/b.html"],
            ),
            (
                "file://localhost/Users/ann/a%20b.pdf",
                vec!["/Users/ann/a b.pdf"],
            ),
            ("", vec![]),
            (":", vec![]),
            (";;", vec![]),
        ] {
            assert_eq!(paths(field), expected, "{field}");
        }
    }

    #[test]
    fn bibdesk_property_lists() {
        // bplist00, a dictionary of "relativePath" and "papers/lee.pdf".
        let field = "YnBsaXN0MDDRAQJccmVsYXRpdmVQYXRoXnBhcGVycy9sZWUucGRm";
        assert_eq!(bibdesk(field).as_deref(), Some("papers/lee.pdf"));
        assert_eq!(bibdesk("AAAA"), None);
        assert_eq!(bibdesk("not base64!"), None);
    }
}
