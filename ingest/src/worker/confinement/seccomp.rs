//! Seccomp: a list of the system calls that reading takes, and no others.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Allows all threads of this process the calls of [`allowed`]; others fail with `EPERM`. None where
/// the kernel or the processor's architecture does not have it.
pub(super) fn restrict() -> Option<()> {
    let program = filter(std::process::id())?;
    // Sets no_new_privs, too.
    seccompiler::apply_filter_all_threads(&program).ok()
}

fn filter(process: u32) -> Option<BpfProgram> {
    let rules = allowed(process)?.into_iter().collect();
    SeccompFilter::new(
        rules,
        // An error rather than a kill: allocators and the standard library probe for calls and do
        // without those that fail.
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into().ok()?,
    )
    .ok()?
    .try_into()
    .ok()
}

/// The calls that reading takes, with the arguments that they may have.
fn allowed(process: u32) -> Option<Vec<(i64, Vec<SeccompRule>)>> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let condition = |argument, operator, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).ok()
    };
    let is = |argument, value: u64| condition(argument, Eq, value);
    let only = |conditions: Vec<Option<SeccompCondition>>| -> Option<SeccompRule> {
        SeccompRule::new(conditions.into_iter().collect::<Option<Vec<_>>>()?).ok()
    };
    let not_executable = || only(vec![condition(2, MaskedEq(libc::PROT_EXEC as u64), 0)]);
    let output = || Some(vec![only(vec![is(0, 1)])?, only(vec![is(0, 2)])?]);

    let mut calls = vec![
        (libc::SYS_read, vec![only(vec![is(0, 0)])?]),
        (libc::SYS_write, output()?),
        (libc::SYS_writev, output()?),
        (libc::SYS_mmap, vec![not_executable()?]),
        (libc::SYS_mprotect, vec![not_executable()?]),
        // abort() sends itself a signal, and its name is how the parent learns the cause.
        (
            libc::SYS_tgkill,
            vec![only(vec![
                is(0, u64::from(process)),
                is(2, libc::SIGABRT as u64),
            ])?],
        ),
    ];
    // An empty list of rules allows any arguments.
    calls.extend(
        [
            libc::SYS_brk,
            libc::SYS_clock_gettime,
            libc::SYS_close,
            libc::SYS_exit,
            libc::SYS_exit_group,
            libc::SYS_futex,
            libc::SYS_getpid,
            libc::SYS_getrandom,
            libc::SYS_gettid,
            libc::SYS_madvise,
            libc::SYS_mremap,
            libc::SYS_munmap,
            libc::SYS_restart_syscall,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sched_yield,
            libc::SYS_sigaltstack,
        ]
        .map(|call| (call, Vec::new())),
    );
    Some(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied<T>(result: std::io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn seccomp_alone_refuses_files_sockets_and_threads() {
        // In a thread of its own, as what is refused stays refused for the thread's life.
        let thread = std::thread::spawn(|| {
            let program = filter(std::process::id()).expect("compiles");
            if seccompiler::apply_filter(&program).is_err() {
                eprintln!("skipped: this kernel has no seccomp");
                return;
            }
            assert!(denied(std::fs::read_dir("/")));
            assert!(denied(std::net::UdpSocket::bind("127.0.0.1:0")));
            assert!(denied(std::thread::Builder::new().spawn(|| ()).map(|_| ())));
            // Memory is what reading needs.
            let bytes = vec![1u8; 64 << 20];
            let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
            assert_eq!(sum, 64 << 20);
        });
        thread.join().expect("no panic");
    }
}
