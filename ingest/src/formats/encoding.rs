//! Bytes to text: what a byte order mark says, else UTF-8 where it is valid, else what the file
//! declares, else what the bytes look like (the detector of Firefox).

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use super::Builder;

/// The text of `bytes`; `declared` is the encoding that the file names. True where some bytes had
/// no meaning and were replaced.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> (String, bool) {
    let declared = declared.and_then(|label| Encoding::for_label_no_replacement(label.as_bytes()));
    let (encoding, skip) = if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        (encoding, length)
    } else if let Some(encoding) = declared.filter(|encoding| !encoding.is_ascii_compatible()) {
        // ISO-2022-JP is valid UTF-8 too. UTF-16 without a mark is what a file that could be
        // searched for its declaration is not.
        let is_utf16 = encoding.name().starts_with("UTF-16");
        (if is_utf16 { UTF_8 } else { encoding }, 0)
    } else if std::str::from_utf8(bytes).is_ok() {
        (UTF_8, 0)
    } else if let Some(encoding) = declared.filter(|encoding| *encoding != UTF_8) {
        (encoding, 0)
    } else {
        (guess(bytes), 0)
    };
    let (text, is_damaged) = encoding.decode_without_bom_handling(&bytes[skip..]);
    (text.into_owned(), is_damaged)
}

/// A file that is UTF-8 but for a few bytes is damaged UTF-8, not another encoding.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let (mut bad, mut long) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        bad += usize::from(!chunk.invalid().is_empty());
        long += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
    }
    if bad * 4 <= long {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // A megabyte tells as much as all.
    detector.feed(&bytes[..bytes.len().min(1 << 20)], true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Says so where bytes had to be replaced.
pub(super) fn warn(builder: &mut Builder, is_damaged: bool) {
    if is_damaged {
        builder.warn(
            "encoding_errors",
            "some characters could not be decoded and are shown as \u{fffd}",
        );
    }
}

/// The encoding that an XML declaration or an HTML `meta` element near the start names.
pub(super) fn declared(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(2048)];
    let head: String = head
        .iter()
        .map(|&byte| char::from(byte).to_ascii_lowercase())
        .collect();
    let after = |key: &str| {
        let rest = &head[head.find(key)? + key.len()..];
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let value = rest.trim_start_matches(['"', '\'']);
        let end =
            value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':'))?;
        Some(value[..end].to_owned()).filter(|value| !value.is_empty())
    };
    let in_declaration = head
        .trim_start()
        .starts_with("<?xml")
        .then(|| after("encoding"));
    in_declaration.flatten().or_else(|| after("charset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let utf16: Vec<u8> = "\u{feff}Größe"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let japanese = encoding_rs::SHIFT_JIS
            .encode("これは日本語の文章です。論文の要旨を述べる。")
            .0
            .into_owned();
        let jis = b"\x1b$B$3$l\x1b(B".to_vec();
        for (bytes, declared, expected) in [
            (utf16, None, "Größe"),
            (
                b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe".to_vec(),
                Some("latin1"),
                "Größe",
            ),
            (b"Gr\xf6\xdfe".to_vec(), Some("iso-8859-1"), "Größe"),
            (
                b"Gr\xf6\xdfe und Gewicht der \xc4pfel".to_vec(),
                None,
                "Größe und Gewicht der Äpfel",
            ),
            (
                japanese,
                None,
                "これは日本語の文章です。論文の要旨を述べる。",
            ),
            (jis, Some("iso-2022-jp"), "これ"),
        ] {
            assert_eq!(decode(&bytes, declared), (expected.to_owned(), false));
        }
        let (text, is_damaged) = decode(
            "é".repeat(50)
                .as_bytes()
                .iter()
                .chain(b"\xff")
                .copied()
                .collect::<Vec<_>>()
                .as_slice(),
            None,
        );
        assert!(is_damaged && text.ends_with("é\u{fffd}"));
    }

    #[test]
    fn declarations_are_found() {
        for (text, expected) in [
            (
                "<?xml version='1.0' encoding='ISO-8859-2'?><a>",
                Some("iso-8859-2"),
            ),
            ("<html><meta charset=windows-1252><p>", Some("windows-1252")),
            (
                "<META http-equiv=x content=\"text/html; charset=Shift_JIS\">",
                Some("shift_jis"),
            ),
            ("<?xml version='1.0'?><a>", None),
            ("charset", None),
        ] {
            assert_eq!(declared(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
