//! What the child takes from itself before it looks at a file.
//!
//! A parser that a hostile file has taken over can do what its process can do, so the process is
//! left with nothing worth having: it may read the standard input, write the standard output and
//! use memory. Two layers of Linux say so independently of each other. Landlock
//! (<https://docs.kernel.org/userspace-api/landlock.html>) refuses files, and TCP where the kernel
//! is new enough; seccomp
//! (<https://docs.kernel.org/userspace-api/seccomp_filter.html>) refuses all system calls but about
//! twenty. Neither needs privileges. A kernel may lack either, so both are best effort and
//! [`Confinement`] tells what is in force; resource limits (no more open files, no file growth)
//! stand on every Unix.

#[cfg(target_os = "linux")]
mod landlock;
mod probe;
// The list names the calls of these two.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod seccomp;

pub use probe::{Attempt, Probe};
pub(super) use probe::{Witness, attempts};

use serde::{Deserialize, Serialize};

/// What the system enforces on a reader process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Landlock refuses access to files.
    pub files: bool,
    /// Landlock refuses TCP; older kernels have it for files only.
    pub tcp: bool,
    /// Seccomp refuses system calls beyond memory and the open pipes: with it, no sockets of any
    /// kind, no processes, no files.
    pub system_calls: bool,
}

impl Confinement {
    /// True where neither files nor the network can be reached.
    pub fn is_full(self) -> bool {
        self.system_calls && self.files
    }
}

impl Confinement {
    /// Refuses files and network to this thread and those that it starts from now on.
    pub(super) fn refuse_files(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(tcp) = landlock::restrict() {
            self.files = true;
            self.tcp = tcp;
        }
    }

    /// Refuses to all threads of the process what reading does not need; no thread can be started
    /// afterwards.
    pub(super) fn refuse_system_calls(&mut self) {
        #[cfg(all(
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64")
        ))]
        {
            self.system_calls = seccomp::restrict().is_some();
        }
    }
}
