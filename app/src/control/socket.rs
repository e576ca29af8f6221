//! The local socket of the process that owns a data folder: one JSON request a connection, answered
//! by one JSON event a line. It lies in the data folder, which only its owner may enter.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::{Event, Request};
use crate::library::Library;

/// The kernel's limit on a socket's path is 108 bytes.
const LONGEST_PATH: usize = 100;
const LONGEST_REQUEST: u64 = 16 << 20;

/// Listens on the library's socket until the process ends or the task is aborted.
///
/// # Errors
/// Where the socket cannot be made.
pub fn listen(library: Arc<Library>) -> Result<JoinHandle<()>> {
    let path = path_for(&library.settings.data_dir)?;
    // Left by a process that was killed: this one holds the folder's lock, so nobody listens.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("listening on the socket {}", path.display()))?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let library = library.clone();
                    tokio::spawn(async move {
                        if let Err(error) = answer(library, stream).await {
                            tracing::debug!("a request over the socket ended early: {error:#}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("the socket cannot accept: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
            }
        }
    }))
}

async fn answer(library: Arc<Library>, stream: UnixStream) -> Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    let mut reading = BufReader::new(reading);
    (&mut reading)
        .take(LONGEST_REQUEST)
        .read_line(&mut line)
        .await?;
    let request: Request = serde_json::from_str(&line).context("reading the request")?;
    let mut events = super::start_here(library, request);
    let mut rest = [0; 1];
    loop {
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { return Ok(()) };
                let mut line = serde_json::to_vec(&event)?;
                line.push(b'\n');
                // Where this fails the caller has gone, and returning drops `events`: cancelled.
                writing.write_all(&line).await?;
            }
            // The caller sends nothing more: what can be read is the end of the connection.
            _ = reading.read(&mut rest) => return Ok(()),
        }
    }
}

/// True where a process that owns `data_dir` listens.
///
/// # Errors
/// Where the socket's folder cannot be used.
pub async fn is_there(data_dir: &Path) -> Result<bool> {
    Ok(UnixStream::connect(path_for(data_dir)?).await.is_ok())
}

/// Sends a request to the process that owns `data_dir`; `None` where there is none.
///
/// # Errors
/// Where there is one and it cannot be spoken to.
pub async fn call(data_dir: &Path, request: &Request) -> Result<Option<UnboundedReceiver<Event>>> {
    let Ok(stream) = UnixStream::connect(path_for(data_dir)?).await else {
        return Ok(None);
    };
    let (reading, mut writing) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    writing
        .write_all(&line)
        .await
        .context("speaking to the running Lectern")?;
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(reading).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => {
                        if let Ok(event) = serde_json::from_str(&line)
                            && sender.send(event).is_err()
                        {
                            break;
                        }
                    }
                    _ => break,
                },
                () = sender.closed() => break,
            }
        }
        // Held to the end: closing it tells the other side to stop.
        drop(writing);
    });
    Ok(Some(receiver))
}

fn path_for(data_dir: &Path) -> Result<PathBuf> {
    let path = data_dir.join("lectern.sock");
    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok(path);
    }
    // Too deep a folder: a private one in the temporary folder stands in, named after it.
    let name = format!("{:x}", Sha256::digest(path.as_os_str().as_encoded_bytes()));
    let folder = std::env::temp_dir().join(format!("lectern-{}", &name[..16]));
    if let Err(error) = std::fs::DirBuilder::new().mode(0o700).create(&folder)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(error).with_context(|| format!("making {}", folder.display()));
    }
    let meta = std::fs::symlink_metadata(&folder)?;
    let ours = meta.is_dir()
        && meta.uid() == rustix::process::getuid().as_raw()
        && meta.mode() & 0o077 == 0;
    anyhow::ensure!(ours, "{} belongs to somebody else", folder.display());
    Ok(folder.join("sock"))
}
