//! The zip that a DOCX file is, with a limit on what a part may unpack to.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::formats::encoding;
use crate::{Error, Warning};

/// Most bytes that one part may unpack to; a book of a thousand pages has about 10 MiB.
const MAX_PART: u64 = 64 << 20;

/// An opened DOCX file.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    pub(super) warnings: Vec<Warning>,
}

impl<'b> Package<'b> {
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, Error> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::DamagedFile {
            reason: error.to_string(),
        })?;
        Ok(Package {
            archive,
            warnings: Vec::new(),
        })
    }

    /// The text of a part; none where there is no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Error> {
        let Ok(file) = self.archive.by_name(name) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        // What the header says of the size may be a lie, so the limit is on what comes out.
        let outcome = file.take(MAX_PART + 1).read_to_end(&mut bytes);
        if let Err(error) = outcome {
            if bytes.is_empty() {
                return Err(Error::DamagedFile {
                    reason: format!("{name} can't be unpacked: {error}"),
                });
            }
            self.warn(
                "markup_cut",
                format!("{name} is damaged; its end is left out"),
            );
        } else if bytes.len() as u64 > MAX_PART {
            bytes.truncate(MAX_PART as usize);
            self.warn(
                "markup_cut",
                format!(
                    "{name} unpacks to more than {} MiB; its end is left out",
                    MAX_PART >> 20
                ),
            );
        }
        Ok(Some(
            encoding::decode(&bytes, encoding::declared(&bytes).as_deref()).0,
        ))
    }

    fn warn(&mut self, code: &str, message: String) {
        self.warnings.push(Warning {
            code: code.to_owned(),
            message,
            page: None,
        });
    }
}
