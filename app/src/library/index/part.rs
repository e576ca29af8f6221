//! One index of a generation, replaceable while it is in use.
//!
//! A part lies in a numbered folder, such as `vectors-1`. Where it is damaged a new, empty one is
//! opened as `vectors-2` and takes its place at once; whoever still reads the old one is not
//! disturbed, and its folder goes when they are done. The highest number counts when a process
//! starts, so a kill in between leaves either one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use retrieval::IndexedDocument;
use retrieval::dense::DenseIndex;
use retrieval::lexical::LexicalIndex;
use retrieval::tokens::TokenIndex;

use crate::error::{Fault, Problem};

/// A part that was replaced is not replaced again within this time: what fails again then is no
/// damage.
const BETWEEN_MENDINGS: Duration = Duration::from_secs(600);
/// How long whoever still reads a part that was replaced is waited for.
const RETIRING: Duration = Duration::from_secs(300);

/// What the indexes have in common, whatever they hold of a chunk.
pub(super) trait Derived: Send + Sync {
    /// Last change that it has durably.
    fn watermark(&self) -> retrieval::Result<u64>;
    /// Makes writes durable, up to that change.
    fn commit(&self, sequence: u64) -> retrieval::Result<()>;
    /// Chunks held, of one document where given.
    fn count(&self, document_id: Option<&str>) -> retrieval::Result<usize>;
    /// True where exactly the document's chunks are held.
    fn holds(&self, document: &IndexedDocument) -> retrieval::Result<bool>;
    /// Slow work that makes searching faster. True where anything was done.
    fn optimize(&self) -> retrieval::Result<bool>;
}

impl Derived for dyn DenseIndex {
    fn watermark(&self) -> retrieval::Result<u64> {
        DenseIndex::watermark(self)
    }

    fn commit(&self, sequence: u64) -> retrieval::Result<()> {
        DenseIndex::commit(self, sequence)
    }

    fn count(&self, document_id: Option<&str>) -> retrieval::Result<usize> {
        DenseIndex::count(self, document_id)
    }

    fn holds(&self, document: &IndexedDocument) -> retrieval::Result<bool> {
        DenseIndex::holds(self, document)
    }

    fn optimize(&self) -> retrieval::Result<bool> {
        DenseIndex::optimize(self)
    }
}

impl Derived for LexicalIndex {
    fn watermark(&self) -> retrieval::Result<u64> {
        LexicalIndex::watermark(self)
    }

    fn commit(&self, sequence: u64) -> retrieval::Result<()> {
        LexicalIndex::commit(self, sequence)
    }

    fn count(&self, document_id: Option<&str>) -> retrieval::Result<usize> {
        LexicalIndex::count(self, document_id)
    }

    fn holds(&self, document: &IndexedDocument) -> retrieval::Result<bool> {
        LexicalIndex::holds(self, document)
    }

    fn optimize(&self) -> retrieval::Result<bool> {
        LexicalIndex::optimize(self)
    }
}

impl Derived for TokenIndex {
    fn watermark(&self) -> retrieval::Result<u64> {
        TokenIndex::watermark(self)
    }

    fn commit(&self, sequence: u64) -> retrieval::Result<()> {
        TokenIndex::commit(self, sequence)
    }

    fn count(&self, document_id: Option<&str>) -> retrieval::Result<usize> {
        TokenIndex::count(self, document_id)
    }

    fn holds(&self, document: &IndexedDocument) -> retrieval::Result<bool> {
        TokenIndex::holds(self, document)
    }

    fn optimize(&self) -> retrieval::Result<bool> {
        TokenIndex::optimize(self)
    }
}

/// Opens an index below a folder.
pub(super) type Open<T> = Box<dyn Fn(&Path) -> retrieval::Result<Arc<T>> + Send + Sync>;

/// One index of a generation.
pub(super) struct Part<T: ?Sized> {
    name: &'static str,
    home: PathBuf,
    open: Open<T>,
    state: RwLock<State<T>>,
}

struct State<T: ?Sized> {
    index: Arc<T>,
    number: u32,
    /// Last change that it was told of, durably or not.
    applied: u64,
    /// Last change that it has durably.
    committed: u64,
    /// False until the server that keeps it has told how far it is.
    is_known: bool,
    mended: Option<Instant>,
}

impl<T: Derived + ?Sized + 'static> Part<T> {
    /// Opens the part called `name` below `home`. One that is damaged gives way to an empty one:
    /// catching up fills it from the catalog.
    pub(super) fn open(name: &'static str, home: &Path, open: Open<T>) -> Result<Self> {
        std::fs::create_dir_all(home).with_context(|| format!("making {}", home.display()))?;
        let mut numbers = numbers(name, home)?;
        let newest = numbers.pop().unwrap_or(1);
        for number in numbers {
            remove_folder(&home.join(format!("{name}-{number}")));
        }
        let folder = home.join(format!("{name}-{newest}"));
        let opened = opened(&open, &folder)
            .and_then(|index| Ok((newest, watermark_of(index.as_ref())?, index)));
        let (number, watermark, index) = match opened {
            Ok(found) => found,
            Err(error) => {
                is_writable(home)?;
                tell_of_damage(name, &format!("{error:#}"));
                let index = opened_anew(&open, home, name, newest + 1)?;
                remove_folder(&folder);
                (newest + 1, Some(0), index)
            }
        };
        Ok(Self {
            name,
            home: home.to_path_buf(),
            open,
            state: RwLock::new(State {
                index,
                number,
                applied: watermark.unwrap_or(0),
                committed: watermark.unwrap_or(0),
                is_known: watermark.is_some(),
                mended: None,
            }),
        })
    }

    /// The index as it is now.
    pub(super) fn index(&self) -> Arc<T> {
        self.read().index.clone()
    }
}

/// What can be done with a part without knowing what it holds.
pub(super) trait Following: Send + Sync {
    /// What it holds: `vectors`, `postings`.
    fn name(&self) -> &'static str;
    /// The index as it is now.
    fn derived(&self) -> Arc<dyn Derived>;
    /// Which index this is: another one after it was replaced.
    fn number(&self) -> u32;
    /// Last change that it was told of.
    fn applied(&self) -> u64;
    /// Last change that it has durably.
    fn committed(&self) -> u64;
    /// Asks how far it is where that is not known yet.
    fn refresh(&self) -> Result<()>;
    /// Takes down that it was told of a change.
    fn advance(&self, sequence: u64);
    /// Makes durable what it was told of.
    fn commit(&self) -> Result<()>;
    /// Puts an empty one in its place. False where that was done a moment ago. The caller holds
    /// `writing`, so that no change is taken for applied that only the old one was told of.
    fn replace(&self, why: &str) -> Result<bool>;
    /// Where it lies.
    fn folder(&self) -> PathBuf;
}

/// A [`Derived`] index behind a pointer, whose engine may panic.
struct Pointer<T: ?Sized>(Arc<T>);

impl<T: Derived + ?Sized> Derived for Pointer<T> {
    fn watermark(&self) -> retrieval::Result<u64> {
        guarded(|| self.0.watermark())
    }

    fn commit(&self, sequence: u64) -> retrieval::Result<()> {
        guarded(|| self.0.commit(sequence))
    }

    fn count(&self, document_id: Option<&str>) -> retrieval::Result<usize> {
        guarded(|| self.0.count(document_id))
    }

    fn holds(&self, document: &IndexedDocument) -> retrieval::Result<bool> {
        guarded(|| self.0.holds(document))
    }

    fn optimize(&self) -> retrieval::Result<bool> {
        guarded(|| self.0.optimize())
    }
}

impl<T: Derived + ?Sized + 'static> Following for Part<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn derived(&self) -> Arc<dyn Derived> {
        Arc::new(Pointer(self.index()))
    }

    fn number(&self) -> u32 {
        self.read().number
    }

    fn applied(&self) -> u64 {
        self.read().applied
    }

    fn committed(&self) -> u64 {
        self.read().committed
    }

    fn refresh(&self) -> Result<()> {
        let index = {
            let state = self.read();
            if state.is_known {
                return Ok(());
            }
            state.index.clone()
        };
        let watermark = guarded(|| index.watermark())?;
        let mut state = self.write();
        state.applied = watermark;
        state.committed = watermark;
        state.is_known = true;
        Ok(())
    }

    fn advance(&self, sequence: u64) {
        let mut state = self.write();
        state.applied = state.applied.max(sequence);
    }

    fn commit(&self) -> Result<()> {
        let (index, applied) = {
            let state = self.read();
            (state.index.clone(), state.applied)
        };
        if let Err(error) = guarded(|| index.commit(applied)) {
            is_writable(&self.home)?;
            return Err(error.into());
        }
        self.write().committed = applied;
        Ok(())
    }

    fn replace(&self, why: &str) -> Result<bool> {
        let number = {
            let state = self.read();
            if state
                .mended
                .is_some_and(|mended| mended.elapsed() < BETWEEN_MENDINGS)
            {
                return Ok(false);
            }
            state.number
        };
        is_writable(&self.home)?;
        tell_of_damage(self.name, why);
        let index = opened_anew(&self.open, &self.home, self.name, number + 1)?;
        let old = {
            let mut state = self.write();
            let old = std::mem::replace(&mut state.index, index);
            state.number = number + 1;
            state.applied = 0;
            state.committed = 0;
            state.is_known = true;
            state.mended = Some(Instant::now());
            old
        };
        let folder = self.home.join(format!("{}-{number}", self.name));
        std::thread::spawn(move || {
            let began = Instant::now();
            while Arc::strong_count(&old) > 1 && began.elapsed() < RETIRING {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = catch_unwind(AssertUnwindSafe(move || drop(old)));
            remove_folder(&folder);
        });
        Ok(true)
    }

    fn folder(&self) -> PathBuf {
        self.home.join(format!("{}-{}", self.name, self.number()))
    }
}

impl<T: ?Sized> Part<T> {
    // Nothing panics while it holds this lock.
    fn read(&self) -> RwLockReadGuard<'_, State<T>> {
        self.state
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<T>> {
        self.state
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// `None` where a server keeps the index and cannot be reached: no damage.
fn watermark_of<T: Derived + ?Sized>(index: &T) -> Result<Option<u64>> {
    match guarded(|| index.watermark()) {
        Ok(watermark) => Ok(Some(watermark)),
        Err(retrieval::Error::Unavailable { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls an engine whose code panics over damaged files in places where it could return an error.
pub(super) fn guarded<T>(call: impl FnOnce() -> retrieval::Result<T>) -> retrieval::Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(retrieval::Error::Io(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "the index's files are damaged",
        )))
    })
}

/// Fails where `folder` cannot be written: then nothing is wrong with what lies in it.
///
/// # Errors
/// A problem `indexes_not_writable`.
pub(super) fn is_writable(folder: &Path) -> Result<()> {
    let probe = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, &[0; 1 << 16])?;
        file.as_file().sync_all()
    };
    probe().map_err(|error| {
        Problem::new(
            Fault::Machine,
            "indexes_not_writable",
            format!("the indexes in {} cannot be written: {error}", folder.display()),
            "free some space there and check who may write; nothing is lost, the indexes catch up by themselves",
        )
        .into()
    })
}

fn opened<T: ?Sized>(open: &Open<T>, folder: &Path) -> Result<Arc<T>> {
    std::fs::create_dir_all(folder)?;
    Ok(guarded(|| open(folder))?)
}

fn opened_anew<T: ?Sized>(open: &Open<T>, home: &Path, name: &str, number: u32) -> Result<Arc<T>> {
    let folder = home.join(format!("{name}-{number}"));
    remove_folder(&folder);
    opened(open, &folder).with_context(|| format!("making the index {}", folder.display()))
}

fn tell_of_damage(name: &str, why: &str) {
    tracing::warn!(
        "the index of {name} is damaged ({why}); it is set aside and built again from the catalog, nothing is lost"
    );
}

/// Numbers of the folders of that part, ascending.
fn numbers(name: &str, home: &Path) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(home)? {
        let file = entry?.file_name();
        let number: Option<u32> = file
            .to_str()
            .and_then(|file| file.strip_prefix(name)?.strip_prefix('-')?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What is left is removed when the indexes are next opened.
pub(super) fn remove_folder(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("{} cannot be removed yet: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_is_no_damage() {
        let error = is_writable(Path::new("/proc")).unwrap_err();
        let problem = Problem::from_error(&error);
        assert_eq!(problem.code, "indexes_not_writable");
        assert!(problem.message.contains("/proc"), "{}", problem.message);
        let folder = tempfile::tempdir().unwrap();
        is_writable(folder.path()).unwrap();
    }

    #[test]
    fn panics_of_an_engine_are_errors() {
        let outcome: retrieval::Result<()> = guarded(|| panic!("damaged"));
        assert!(matches!(outcome, Err(retrieval::Error::Io(_))));
    }

    #[test]
    fn a_part_that_is_replaced_is_another_and_empty_and_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let open = || -> Part<LexicalIndex> {
            let open: Open<LexicalIndex> =
                Box::new(|folder| LexicalIndex::open(folder).map(Arc::new));
            Part::open("postings", home.path(), open).unwrap()
        };
        let part = open();
        part.advance(7);
        part.commit().unwrap();
        assert_eq!((part.number(), part.committed()), (1, 7));
        assert!(part.replace("a test says so").unwrap());
        assert_eq!((part.number(), part.applied(), part.committed()), (2, 0, 0));
        assert!(!part.replace("again").unwrap(), "not twice in a row");
        part.advance(9);
        part.commit().unwrap();
        drop(part);
        let part = open();
        assert_eq!((part.number(), part.committed()), (2, 9));
    }
}
