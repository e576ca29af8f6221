//! Landlock: files, TCP, signals and abstract sockets, by the kernel's own notion of them.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus, Scope,
};

/// Newest set of restrictions that is asked for; a kernel enforces what it knows of it.
const NEWEST: ABI = ABI::V7;

/// Denies this thread all that Landlock can deny; whether that includes TCP, or none where the
/// kernel has no Landlock.
pub(super) fn restrict() -> Option<bool> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.restrict_self())
        .ok()?;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return None;
    };
    (status.ruleset != RulesetStatus::NotEnforced).then_some(effective_abi >= ABI::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied<T>(result: std::io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn landlock_alone_refuses_files() {
        // In a thread of its own, as what is refused stays refused for the thread's life.
        let thread = std::thread::spawn(|| {
            if restrict().is_none() {
                eprintln!("skipped: this kernel has no Landlock");
                return;
            }
            assert!(denied(std::fs::read_dir("/")));
            assert!(denied(std::fs::read(
                std::env::current_exe().unwrap_or_default()
            )));
        });
        thread.join().expect("no panic");
        assert!(
            std::fs::read_dir("/").is_ok(),
            "other threads are not concerned"
        );
    }
}
