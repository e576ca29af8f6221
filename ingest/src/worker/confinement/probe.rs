//! The confinement put to the test: the child tries what it must not be able to do.

use std::io;

use serde::{Deserialize, Serialize};

use super::Confinement;

/// How a reader process is confined here, and what came of trying to get out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What the system says it enforces.
    pub confinement: Confinement,
    /// What was tried.
    pub attempts: Vec<Attempt>,
}

impl Probe {
    /// True where everything that was tried was refused.
    pub fn is_tight(&self) -> bool {
        !self.attempts.is_empty() && self.attempts.iter().all(|attempt| attempt.refused)
    }
}

/// One thing that a reader process must not be able to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried, such as `read a file`.
    pub what: String,
    /// True where the system refused it.
    pub refused: bool,
    /// What the system answered.
    pub answer: String,
}

/// What has to be known before the doors are shut.
pub(in crate::worker) struct Witness {
    #[cfg(unix)]
    parent: Option<rustix::process::Pid>,
}

impl Witness {
    pub(in crate::worker) fn new() -> Self {
        Witness {
            #[cfg(unix)]
            parent: rustix::process::getppid(),
        }
    }
}

/// Tries what must fail.
pub(in crate::worker) fn attempts(witness: &Witness) -> Vec<Attempt> {
    let file = std::env::temp_dir().join(format!("confinement-{}", std::process::id()));
    let mut attempts = vec![
        attempt("list a folder", std::fs::read_dir("/")),
        attempt("read a file", std::fs::read("/etc/passwd")),
        attempt("write a file", std::fs::write(&file, "x")),
        attempt(
            "open a TCP connection",
            std::net::TcpStream::connect("127.0.0.1:1"),
        ),
        attempt(
            "open a UDP socket",
            std::net::UdpSocket::bind("127.0.0.1:0"),
        ),
        attempt(
            "start a program",
            std::process::Command::new("/bin/sh")
                .args(["-c", "exit 0"])
                .spawn()
                .and_then(|mut child| child.wait()),
        ),
    ];
    #[cfg(unix)]
    {
        attempts.push(attempt(
            "open a Unix socket",
            std::os::unix::net::UnixDatagram::unbound(),
        ));
        if let Some(parent) = witness.parent {
            attempts.push(attempt(
                "send a signal",
                rustix::process::test_kill_process(parent).map_err(io::Error::from),
            ));
        }
    }
    let _ = std::fs::remove_file(file);
    attempts
}

/// Refused is what the rules forbid (no permission, no more descriptors); any other failure says
/// that the thing itself was possible.
fn attempt<T>(what: &str, result: io::Result<T>) -> Attempt {
    const TOO_MANY_FILES: i32 = 24;
    let refused = result.as_ref().is_err_and(|error| {
        error.kind() == io::ErrorKind::PermissionDenied
            || error.raw_os_error() == Some(TOO_MANY_FILES)
    });
    Attempt {
        what: what.to_owned(),
        refused,
        answer: match result {
            Ok(_) => "done".to_owned(),
            Err(error) => error.to_string(),
        },
    }
}
