//! Opens a PDF, with its password where it has one.
//!
//! Encryption (ISO 32000-2, 7.6) has three traps. What a password's bytes are depends on the
//! revision: Latin letters in PDFDocEncoding up to revision 4, normalised UTF-8 from 5 on. There are
//! two passwords, and a person may hold either. And a file can encrypt its attachments only, with
//! the filter `Identity` for all else, and then no password is needed to read it. `hayro-syntax`
//! opens most; what it refuses, `lopdf` decrypts and writes anew, or the file is opened with its
//! encryption entry hidden.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hayro_syntax::object::{Name, Object, Stream};
use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use lopdf::LoadOptions;
use unicode_normalization::UnicodeNormalization;

use crate::Error;

/// Files above this size in bytes are not written anew, which takes several times the memory.
const MAX_REWRITTEN: usize = 128 << 20;

/// Opens a PDF. A password that is not needed does no harm.
pub(crate) fn open(bytes: Vec<u8>, password: Option<&str>) -> Result<Pdf, Error> {
    check_header(&bytes)?;
    catch_unwind(AssertUnwindSafe(|| open_unguarded(bytes, password))).unwrap_or_else(|_| {
        Err(Error::Damaged {
            reason: "its structure can't be parsed".to_owned(),
        })
    })
}

fn check_header(bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(64)]);
    let start: String = start
        .chars()
        .filter(|c| !c.is_control() && *c != '\u{fffd}')
        .take(24)
        .collect();
    Err(Error::NotAPdf {
        start: start.trim().to_owned(),
    })
}

fn open_unguarded(bytes: Vec<u8>, password: Option<&str>) -> Result<Pdf, Error> {
    let bytes = Arc::new(bytes);
    let password = password.filter(|password| !password.is_empty());
    let mut passwords = vec![String::new()];
    if let Some(password) = password {
        passwords.insert(0, password.to_owned());
        passwords.insert(1, prepared(password));
        passwords.dedup();
    }
    let mut failure = LoadPdfError::Invalid;
    for password in &passwords {
        match Pdf::new_with_password(bytes.clone(), password) {
            Ok(pdf) => return Ok(pdf),
            Err(error) => failure = error,
        }
        if !matches!(failure, LoadPdfError::Decryption(_)) {
            break;
        }
    }
    if let LoadPdfError::Decryption(_) = failure {
        let opened = without_encryption(&bytes)
            .or_else(|| password.and_then(|password| decrypted(&bytes, password)))
            .and_then(|bytes| Pdf::new(bytes).ok())
            .filter(|pdf| !pdf.pages().is_empty());
        if let Some(pdf) = opened {
            return Ok(pdf);
        }
    }
    Err(explain(failure, &bytes, password.is_some()))
}

fn explain(failure: LoadPdfError, bytes: &[u8], has_password: bool) -> Error {
    let reason = match failure {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) if has_password => {
            return Error::WrongPassword;
        }
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => return Error::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            "it is encrypted in a way that is not supported"
        }
        LoadPdfError::Decryption(_) => "its encryption data is invalid",
        LoadPdfError::Invalid if find(bytes, b"/BrotliDecode").is_some() => {
            "it uses Brotli compression, which is newer than this reader; \
             save it again as PDF 1.7 or 2.0 without it"
        }
        LoadPdfError::Invalid => "no page tree was found in it",
    };
    Error::Damaged {
        reason: reason.to_owned(),
    }
}

/// A password as the newer revisions want it: compatibility characters composed, spaces plain,
/// marks without a meaning of their own left out (the mappings of RFC 4013, 2.1 and 2.2).
fn prepared(password: &str) -> String {
    password
        .chars()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}'))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .nfkc()
        .collect()
}

/// The file written anew without encryption, with either password.
fn decrypted(bytes: &[u8], password: &str) -> Option<Vec<u8>> {
    if bytes.len() > MAX_REWRITTEN {
        return None;
    }
    let options = LoadOptions {
        max_decompressed_size: Some(256 << 20),
        ..LoadOptions::with_password(password)
    };
    let mut document = lopdf::Document::load_mem_with_options(bytes, options).ok()?;
    // A wrong password gives a document that is still encrypted, or has no pages.
    if document.is_encrypted() || document.get_pages().is_empty() {
        return None;
    }
    document.trailer.remove(b"Encrypt");
    let mut out = Vec::new();
    document.save_to(&mut out).ok()?;
    Some(out)
}

/// The file with its encryption entry hidden, where strings and streams are not encrypted.
fn without_encryption(bytes: &[u8]) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"/Encrypt";
    let mut entries = Vec::new();
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], KEY).map(|at| from + at) {
        from = at + KEY.len();
        // Not /EncryptMetadata.
        if !bytes.get(from).is_some_and(u8::is_ascii_alphanumeric) {
            entries.push(at);
        }
        if entries.len() > 16 {
            return None;
        }
    }
    let last = *entries.last()?;
    if !is_identity(dictionary(bytes, last + KEY.len())?) {
        return None;
    }
    let mut bytes = bytes.to_vec();
    for at in entries {
        bytes[at..at + KEY.len()].copy_from_slice(b"/Ignored");
    }
    Some(bytes)
}

/// The text of the dictionary at `at`, or of the object that is referred to there.
fn dictionary(bytes: &[u8], at: usize) -> Option<&[u8]> {
    const LONGEST: usize = 4096;
    let rest = &bytes[at..bytes.len().min(at + LONGEST)];
    let rest = rest.trim_ascii_start();
    if rest.starts_with(b"<<") {
        return Some(rest);
    }
    let mut words = rest.split(|byte| !byte.is_ascii_alphanumeric());
    let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u32>().ok();
    let header = format!("{} {} obj", number()?, number()?);
    let mut from = 0;
    while let Some(found) = find(&bytes[from..], header.as_bytes()).map(|found| from + found) {
        let body = found + header.len();
        let is_whole = found == 0 || !bytes[found - 1].is_ascii_digit();
        if is_whole {
            let body = &bytes[body..bytes.len().min(body + LONGEST)];
            return Some(&body[..find(body, b"endobj").unwrap_or(body.len())]);
        }
        from = body;
    }
    None
}

/// True where an encryption dictionary names `Identity`, or nothing, which means the same, as the
/// filter of strings and of streams.
fn is_identity(dictionary: &[u8]) -> bool {
    let filter = |key: &[u8]| {
        find(dictionary, key).is_none_or(|at| {
            dictionary[at + key.len()..]
                .trim_ascii_start()
                .starts_with(b"/Identity")
        })
    };
    // Crypt filters came with versions 4 and 5; before, all is encrypted.
    find(dictionary, b"/CF").is_some() && filter(b"/StmF") && filter(b"/StrF")
}

/// True where a page has content and none of it can be decoded: broken, or by a filter that is not
/// known.
pub(super) fn is_content_lost(page: &Page<'_>) -> bool {
    const MOST: usize = 100;
    let streams: Vec<Stream<'_>> = match page.raw().get::<Object<'_>>("Contents") {
        Some(Object::Stream(stream)) => vec![stream],
        Some(Object::Array(streams)) => streams.iter::<Stream<'_>>().take(MOST).collect(),
        _ => return false,
    };
    let is_lost = |stream: &Stream<'_>| {
        let declared = match stream.dict().get::<Object<'_>>("Filter") {
            Some(Object::Name(_)) => 1,
            Some(Object::Array(filters)) => filters.iter::<Name<'_>>().count(),
            _ => 0,
        };
        // Those that are not known are left out.
        stream.filters().len() < declared || stream.decoded_data().is_err()
    };
    !streams.is_empty() && streams.iter().all(is_lost)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_prepared() {
        assert_eq!(prepared("pa\u{308}sswo\u{308}rt"), "pässwört");
        assert_eq!(prepared("a\u{a0}b\u{ad}c"), "a bc");
        assert_eq!(prepared("Ⅸ"), "IX");
    }

    #[test]
    fn only_identity_filters_are_no_encryption() {
        assert!(is_identity(
            b"<< /V 5 /CF << /StdCF << >> >> /StmF /Identity /StrF/Identity >>"
        ));
        assert!(is_identity(b"<< /V 4 /CF << >> /EFF /StdCF >>"));
        assert!(!is_identity(
            b"<< /V 5 /CF << >> /StmF /StdCF /StrF /Identity >>"
        ));
        assert!(!is_identity(b"<< /V 2 /R 3 >>"));
    }

    #[test]
    fn the_encryption_entry_is_found() {
        let file = b"112 0 obj << /A 1 >> endobj 12 0 obj << /V 4 /CF << >> >> endobj \
                     trailer << /EncryptMetadata false /Encrypt 12 0 R >>";
        let hidden = without_encryption(file).expect("identity");
        assert!(find(&hidden, b"/Ignored 12 0 R").is_some());
        assert!(find(&hidden, b"/EncryptMetadata").is_some());
        assert_eq!(without_encryption(b"trailer << /Encrypt 12 0 R >>"), None);
        assert_eq!(without_encryption(b"trailer << /Encrypt"), None);
    }
}
