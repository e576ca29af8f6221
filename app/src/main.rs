//! The `lectern` binary; see [`app::cli`].

use std::process::ExitCode;

/// glibc gives large blocks back to the system each time, which costs the models a third of their
/// time; mimalloc keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app::cli::main()
}
