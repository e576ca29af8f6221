//! The calibration in force: the one fitted on this library's labelled questions, where there is
//! one, or the one that is shipped.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use generation::calibration::Calibration;

use crate::error::{Fault, Problem};
use crate::library::Library;

const FILE: &str = "calibration.json";

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

impl Library {
    /// The calibration in force.
    ///
    /// # Errors
    /// As [`in_force`].
    pub fn calibration(&self) -> Result<Calibration> {
        in_force(&self.settings.data_dir)
    }
}

/// The calibration in force in a data folder.
///
/// # Errors
/// A problem `calibration_damaged` where the file is there and cannot be read.
pub fn in_force(data_dir: &Path) -> Result<Calibration> {
    let file = file(data_dir);
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
            "fit it again with `lectern eval answers FILE --calibrate`, or delete the file to use \
             the calibration that Lectern brings",
        )
        .into()
    })
}

/// Puts a calibration in force, durably, from the next question on.
///
/// # Errors
/// Where the file cannot be written.
pub fn put_in_force(data_dir: &Path, calibration: &Calibration) -> Result<PathBuf> {
    let file = file(data_dir);
    let partial = file.with_extension("partial");
    let writing = || format!("writing {}", partial.display());
    std::fs::create_dir_all(data_dir).with_context(writing)?;
    std::fs::write(&partial, serde_json::to_vec_pretty(calibration)?).with_context(writing)?;
    std::fs::File::open(&partial)
        .and_then(|file| file.sync_all())
        .with_context(writing)?;
    std::fs::rename(&partial, &file).with_context(writing)?;
    Ok(file)
}
