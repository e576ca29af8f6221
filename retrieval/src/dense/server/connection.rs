//! Calls to a server that may be away.
//!
//! The client is asynchronous and the index is not, so calls run on a thread of their own and the
//! caller waits; that also works where the caller is on somebody else's runtime. Every call can be
//! repeated without harm, so what fails for a passing reason is tried again after a pause. Once a
//! server has not answered, searches fail at once for a few seconds, so that words alone answer
//! without a wait each time.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use qdrant_client::{Qdrant, QdrantError};
use tokio::runtime::Runtime;
use tonic::Code;

use super::config::ServerConfig;
use crate::Error;

const SERVICE: &str = "Qdrant server";
/// How long a server that did not answer is left alone by searches.
const REST: Duration = Duration::from_secs(5);
/// Pause before the first repetition; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// How important an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Somebody waits for it and can do without.
    Search,
    /// It must arrive.
    Write,
}

impl Patience {
    fn attempts(self) -> u32 {
        match self {
            Self::Search => 2,
            Self::Write => 5,
        }
    }
}

/// What became of a call.
pub(super) enum Failure {
    /// The collection is not there.
    Missing,
    /// Anything else.
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Missing => Error::Dense("the collection is missing on the server".into()),
            Failure::Other(error) => error,
        }
    }
}

/// A client and the thread that it runs on.
pub(super) struct Connection {
    client: Qdrant,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    address: String,
    /// When it last failed to answer.
    failed: Mutex<Option<Instant>>,
    /// The collection is known to be there.
    pub(super) ready: AtomicBool,
}

impl Connection {
    /// A client for the server; nothing is sent yet.
    pub(super) fn new(config: &ServerConfig) -> crate::Result<Self> {
        let address = config.address.to_string();
        let key = config.api_key.as_ref().map(|key| key.reveal().to_owned());
        let client = Qdrant::from_url(&address)
            .api_key(key)
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(Duration::from_secs(5)))
            .skip_compatibility_check()
            .build()
            .map_err(|error| unavailable(&address, error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("qdrant-client")
            .enable_all()
            .build()?;
        Ok(Self {
            client,
            runtime: Some(runtime),
            address,
            failed: Mutex::new(None),
            ready: AtomicBool::new(false),
        })
    }

    /// Makes a call and waits for its answer.
    pub(super) fn call<T, F, A>(&self, patience: Patience, call: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Qdrant) -> A + Send + 'static,
        A: Future<Output = Result<T, QdrantError>> + Send + 'static,
    {
        if patience == Patience::Search && self.is_resting() {
            return Err(Failure::Other(
                self.unavailable("it did not answer a moment ago"),
            ));
        }
        let client = self.client.clone();
        let (sender, receiver) = mpsc::sync_channel(1);
        let task = async move {
            let mut outcome = call(client.clone()).await;
            for attempt in 1..patience.attempts() {
                match &outcome {
                    Err(error) if passes(error) => {}
                    _ => break,
                }
                tokio::time::sleep(pause(attempt)).await;
                outcome = call(client.clone()).await;
            }
            let _ = sender.send(outcome);
        };
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
        match receiver.recv() {
            Ok(Ok(answer)) => {
                self.set_failed(None);
                Ok(answer)
            }
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_) => Err(Failure::Other(self.unavailable("the call broke off"))),
        }
    }

    fn is_resting(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(|lock| lock.into_inner());
        failed.is_some_and(|at| at.elapsed() < REST)
    }

    fn set_failed(&self, at: Option<Instant>) {
        *self.failed.lock().unwrap_or_else(|lock| lock.into_inner()) = at;
    }

    fn failure(&self, error: QdrantError) -> Failure {
        let status = match &error {
            QdrantError::ResponseError { status } => status,
            QdrantError::ResourceExhaustedError { status, .. } => status,
            other => return Failure::Other(self.unavailable(other.to_string())),
        };
        let reason = match status.code() {
            Code::NotFound => {
                self.ready.store(false, Ordering::Relaxed);
                return Failure::Missing;
            }
            Code::InvalidArgument | Code::FailedPrecondition | Code::Unimplemented => {
                return Failure::Other(Error::Dense(format!(
                    "the {SERVICE} at {} refused: {}",
                    self.address,
                    status.message()
                )));
            }
            Code::Unauthenticated | Code::PermissionDenied => {
                "it refuses the API key; set qdrant.api_key to the one that it expects".to_owned()
            }
            Code::DeadlineExceeded => "it did not answer in time".to_owned(),
            _ if status.message().starts_with("Failed to connect") => {
                "no connection can be made; is it running, and is this its port for gRPC (6334), \
                 not for REST (6333)?"
                    .to_owned()
            }
            _ => status.message().to_owned(),
        };
        if passes(&error) {
            self.set_failed(Some(Instant::now()));
        }
        Failure::Other(self.unavailable(reason))
    }

    /// The error of a server that cannot be used.
    pub(super) fn unavailable(&self, reason: impl Into<String>) -> Error {
        unavailable(&self.address, reason.into())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Waiting for the thread is not allowed where this is dropped on another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn unavailable(address: &str, reason: String) -> Error {
    Error::Unavailable {
        service: SERVICE,
        address: address.to_owned(),
        reason,
    }
}

/// True where the same call may well succeed in a moment. The client reports a broken connection
/// as `Internal` or `Unknown`.
fn passes(error: &QdrantError) -> bool {
    match error {
        QdrantError::ResourceExhaustedError { .. } => true,
        QdrantError::ResponseError { status } => matches!(
            status.code(),
            Code::Unavailable
                | Code::Internal
                | Code::Unknown
                | Code::Cancelled
                | Code::Aborted
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
        ),
        _ => false,
    }
}

/// Twice as long each time, half to one and a half times that, so that clients that lost a server
/// together do not return together.
fn pause(attempt: u32) -> Duration {
    let nanos = SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.subsec_nanos());
    let jitter = 0.5 + f64::from(nanos % 1_000_000) / 1e6;
    (PAUSE * 2_u32.saturating_pow(attempt - 1)).mul_f64(jitter)
}
