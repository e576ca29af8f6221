//! Where chunk vectors are kept: the settings `dense.*` and `qdrant.*`.
//!
//! Libraries that share a server must not share a collection, or each would delete what the other
//! has. So, where `qdrant.collection` is not set, the name begins with a random id that is made
//! once and kept in the data folder, in the file `library-id`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use retrieval::dense::{ApiKey, DenseConfig, Quantization, ServerAddress, ServerConfig};

use super::parse::{flag, invalid, within};
use super::{Settings, Values};
use crate::error::Problem;

/// File with the id that the library's collections on a server are named by.
const ID_FILE: &str = "library-id";

/// The settings, parsed; a server's collection may still be empty.
pub(super) fn parse(values: &Values) -> Result<DenseConfig, Problem> {
    let (text, origin) = &values["dense.quantization"];
    let quantization: Quantization = text
        .parse()
        .map_err(|()| invalid("dense.quantization", text, origin, "none, scalar or binary"))?;
    let shards = within(values, "qdrant.shards", 1, 1024)? as u32;
    let replicas = within(values, "qdrant.replicas", 1, 64)? as u32;
    let timeout = Duration::from_secs(within(values, "qdrant.timeout_seconds", 1, 3600)? as u64);
    let on_disk = flag(values, "qdrant.on_disk")?;

    let (key, origin) = &values["qdrant.api_key"];
    let api_key = match key.trim() {
        "" => None,
        key => Some(ApiKey::parse(key).map_err(|reason| {
            invalid(
                "qdrant.api_key",
                "…",
                origin,
                &format!("the server's key: {reason}"),
            )
        })?),
    };
    let (collection, origin) = &values["qdrant.collection"];
    let is_name = collection.len() <= 100
        && collection
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_name {
        return Err(invalid(
            "qdrant.collection",
            collection,
            origin,
            "at most 100 letters, digits and hyphens",
        ));
    }
    let (url, origin) = &values["qdrant.url"];
    let server = match url.trim() {
        "" => None,
        // What is wrong may be a password in it, so the value is not repeated.
        url => Some(ServerConfig {
            address: ServerAddress::parse(url).map_err(|reason| {
                invalid(
                    "qdrant.url",
                    "…",
                    origin,
                    &format!("an address such as http://localhost:6334 ({reason})"),
                )
            })?,
            api_key,
            collection: collection.clone(),
            shards,
            replicas,
            on_disk,
            timeout,
        }),
    };
    Ok(DenseConfig {
        quantization,
        server,
    })
}

impl Settings {
    /// Where chunk vectors are kept. Makes the library's id where a server is to be used and no
    /// name for the collections is set.
    ///
    /// # Errors
    /// Where the id cannot be read or written.
    pub fn dense_config(&self) -> Result<DenseConfig> {
        let mut config = self.dense.clone();
        if let Some(server) = &mut config.server
            && server.collection.is_empty()
        {
            server.collection = format!("lectern-{}", library_id(&self.data_dir)?);
        }
        Ok(config)
    }
}

fn library_id(folder: &Path) -> Result<String> {
    let path = folder.join(ID_FILE);
    let context = || format!("the library's id in {}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(id) => {
            let id = id.trim().to_owned();
            anyhow::ensure!(
                id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{} is damaged: set qdrant.collection, or delete the file to begin anew on the \
                 server",
                context()
            );
            Ok(id)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = format!("{:016x}", rand::random::<u64>());
            let partial = folder.join("library-id.partial");
            let mut file = std::fs::File::create(&partial).with_context(context)?;
            file.write_all(id.as_bytes()).with_context(context)?;
            file.sync_all().with_context(context)?;
            std::fs::rename(&partial, &path).with_context(context)?;
            Ok(id)
        }
        Err(error) => Err(error).with_context(context),
    }
}
