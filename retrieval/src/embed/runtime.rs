//! ONNX Runtime's shared library: which file it is, and whether it can be used.
//!
//! It is loaded at run time, so that one binary serves machines with and without it. A library
//! that is missing, no library at all, cut short or too old must give a reason and never end the
//! process, so each candidate is looked at before it is handed to the loader: a file that ends
//! before its own section table would be mapped beyond its end.
//!
//! A process can load one library; the first that works is kept.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

static LOADED: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment that sessions are made in, from the first library that can be used, and why
/// those before it could not.
///
/// # Errors
/// The reason of each library, where none can be used.
pub(crate) fn environment(
    libraries: &[PathBuf],
) -> Result<(Environment, Vec<String>), Vec<String>> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = loaded.as_ref() {
        return Ok((environment.clone(), Vec::new()));
    }
    let mut reasons = Vec::new();
    for path in libraries {
        match open(path) {
            Ok(environment) => {
                *loaded = Some(environment.clone());
                return Ok((environment, reasons));
            }
            Err(reason) => reasons.push(format!("{}: {reason}", path.display())),
        }
    }
    Err(reasons)
}

/// The name under which the system's own library is found.
pub fn system_library() -> PathBuf {
    format!(
        "{}onnxruntime{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    )
    .into()
}

fn open(path: &Path) -> Result<Environment, String> {
    // A bare name is looked for by the loader.
    if path.components().count() > 1 {
        check_file(path)?;
    }
    // Its own messages repeat what its errors say, so only errors are let through by default.
    ort::init_from(path)
        .map_err(|error| error.to_string())?
        .with_name("lectern")
        .with_telemetry(false)
        .build()
        .map_err(|error| error.to_string())
}

fn check_file(path: &Path) -> Result<(), String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let mut header = [0; 64];
    file.read_exact(&mut header)
        .map_err(|_| "it is no shared library".to_owned())?;
    match end_of_elf(&header) {
        None => Err("it is no shared library".to_owned()),
        Some(end) if end > length => {
            Err(format!("it is cut short: {length} bytes of at least {end}"))
        }
        Some(_) => Ok(()),
    }
}

/// Where the section table, which stands last, ends in a 64-bit little-endian ELF file.
fn end_of_elf(header: &[u8; 64]) -> Option<u64> {
    let [magic @ .., class, order] = header.first_chunk::<6>()?;
    if magic != b"\x7fELF" || *class != 2 || *order != 1 {
        return None;
    }
    let number = |at: usize| Some(u16::from_le_bytes(*header[at..].first_chunk()?));
    let table = u64::from_le_bytes(*header[40..].first_chunk()?);
    let (size, count) = (number(58)?, number(60)?);
    table.checked_add(u64::from(size) * u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_gives_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libonnxruntime.so");
        std::fs::write(
            &text,
            "this is a text, longer than the header of a library is, \n".repeat(3),
        )
        .unwrap();
        let cut = folder.path().join("cut.so");
        let mut header = [0u8; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        header[40..48].copy_from_slice(&1_000_000u64.to_le_bytes());
        header[58..60].copy_from_slice(&64u16.to_le_bytes());
        header[60..62].copy_from_slice(&30u16.to_le_bytes());
        std::fs::write(&cut, header).unwrap();
        let missing = folder.path().join("missing.so");

        for (path, wanted) in [
            (&text, "no shared library"),
            (&cut, "cut short"),
            (&missing, "No such"),
        ] {
            let reason = open(path).unwrap_err();
            assert!(
                reason.contains(wanted) || !cfg!(target_os = "linux"),
                "{reason}"
            );
        }
    }
}
