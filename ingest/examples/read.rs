//! x
use std::io::Write;
fn main() {
    for f in std::env::args().skip(1) {
        let t = std::time::Instant::now();
        let out = std::io::stdout();
        match ingest::extract::read(std::fs::read(&f).unwrap(), None) {
            Ok(d) => { writeln!(out.lock(), "{}", d.text()).unwrap(); eprintln!("{f}: {} pages {:?} {:?}", d.pages.len(), t.elapsed(), d.warnings) }
            Err(e) => eprintln!("{f}: {e}"),
        }
    }
}
