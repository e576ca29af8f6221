//! A reader process on its own, for programs that have no hidden command for it, and for tests.

fn main() -> std::process::ExitCode {
    ingest::worker::run()
}
