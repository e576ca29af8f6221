//! The calibration in force: the one fitted on this library's labelled questions, where there is
//! one, or the one that is shipped.

use std::path::PathBuf;

use anyhow::{Context, Result};
use generation::calibration::Calibration;

use crate::error::{Fault, Problem};
use crate::library::Library;

const FILE: &str = "calibration.json";

impl Library {
    fn calibration_file(&self) -> PathBuf {
        self.settings.data_dir.join(FILE)
    }

    /// The calibration in force.
    ///
    /// # Errors
    /// A problem `calibration_damaged` where the file is there and cannot be read.
    pub fn calibration(&self) -> Result<Calibration> {
        let file = self.calibration_file();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Calibration::default());
            }
            Err(error) => return Err(error).context(format!("reading {}", file.display())),
        };
        serde_json::from_str(&text).map_err(|error| {
            Problem::new(
                Fault::Machine,
                "calibration_damaged",
                format!("{} cannot be read: {error}", file.display()),
                "fit it again with `lectern eval answers FILE --calibrate`, or delete the file to \
                 use the calibration that Lectern brings",
            )
            .into()
        })
    }

    /// Puts a calibration in force, durably; `None` goes back to the one that is shipped.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn set_calibration(&self, calibration: Option<&Calibration>) -> Result<()> {
        let file = self.calibration_file();
        let Some(calibration) = calibration else {
            return match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        };
        let partial = file.with_extension("partial");
        let writing = || format!("writing {}", partial.display());
        std::fs::write(&partial, serde_json::to_vec_pretty(calibration)?).with_context(writing)?;
        std::fs::File::open(&partial)?
            .sync_all()
            .with_context(writing)?;
        std::fs::rename(&partial, &file).with_context(writing)
    }
}
