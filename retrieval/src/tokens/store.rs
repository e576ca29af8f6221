//! Records of bytes, one a chunk, in files that are only appended to.
//!
//! Segments hold the bytes, a log holds where each record lies, `state.json` says how much of both
//! counts: it is replaced last and atomically, so that a kill at any moment leaves the state of the
//! last commit, and what was written after it is cut off when the files are opened. Records are
//! read by `pread`: the page cache keeps what is asked for often, nothing is resident, and no file
//! mapping can fault when a file is cut. A removed record is overwritten with zeros at once and its
//! space given back by [`Store::compact`].

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ChunkId, Error, Result};

/// A segment is closed once it is as long as this, so that compacting one is quick.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Share of a segment that must be dead before it is written again, and the least worth it.
const DEAD_SHARE: f64 = 0.25;
const DEAD_BYTES: u64 = 1 << 20;
const ENTRY_BYTES: usize = 40;
const STATE: &str = "state.json";

/// What counts of the files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    sequence: u64,
    /// What wrote the records; another's cannot be read.
    format: String,
    /// Number of the log.
    log: u32,
    /// Entries in it.
    entries: u64,
    /// Number and length of each segment.
    segments: Vec<(u32, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Location {
    segment: u32,
    offset: u32,
    length: u32,
    crc: u32,
}

struct Segment {
    file: Arc<File>,
    length: u64,
    dead: u64,
}

/// Records by chunk, removed by document.
pub(super) struct Store {
    folder: PathBuf,
    state: State,
    log: File,
    segments: HashMap<u32, Segment>,
    records: HashMap<ChunkId, Location>,
    documents: HashMap<u64, Vec<ChunkId>>,
}

/// A record that is still to be read.
pub(super) struct Record {
    file: Arc<File>,
    location: Location,
}

impl Record {
    /// Its bytes; `None` where they were removed or damaged meanwhile.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.location.length as usize];
        let offset = u64::from(self.location.offset);
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        (crc32fast::hash(&bytes) == self.location.crc).then_some(bytes)
    }
}

impl Store {
    /// Opens the store in `folder`, or makes it. `format` names what the records are.
    ///
    /// # Errors
    /// [`Error::Tokens`] where files are damaged or of another format: delete the folder.
    pub(super) fn open(folder: &Path, format: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let state = match std::fs::read(folder.join(STATE)) {
            Ok(bytes) => serde_json::from_slice::<State>(&bytes)
                .map_err(|error| damaged(folder, &error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State {
                format: format.to_owned(),
                ..State::default()
            },
            Err(error) => return Err(error.into()),
        };
        if state.format != format {
            return Err(damaged(
                folder,
                &format!("its records are {:?}, not {format:?}", state.format),
            ));
        }
        let mut store = Self {
            log: open_file(&log_path(folder, state.log))?,
            folder: folder.to_owned(),
            segments: HashMap::new(),
            records: HashMap::new(),
            documents: HashMap::new(),
            state,
        };
        store.sweep()?;
        store.open_segments()?;
        store.read_log()?;
        Ok(store)
    }

    pub(super) fn watermark(&self) -> u64 {
        self.state.sequence
    }

    /// Adds a document's records, replacing what was there under its id.
    pub(super) fn put(&mut self, document: u64, records: &[(ChunkId, Vec<u8>)]) -> Result<()> {
        self.remove(document)?;
        if records.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = records
            .iter()
            .flat_map(|(_, bytes)| bytes)
            .copied()
            .collect();
        let number = self.segment_with_room(bytes.len() as u64)?;
        let Some(segment) = self.segments.get_mut(&number) else {
            return Err(damaged(&self.folder, "a segment is missing"));
        };
        segment.file.write_all_at(&bytes, segment.length)?;
        let mut offset = segment.length;
        segment.length += bytes.len() as u64;
        let mut entries = Vec::with_capacity(records.len() * ENTRY_BYTES);
        for (chunk, bytes) in records {
            let location = Location {
                segment: number,
                offset: offset as u32,
                length: bytes.len() as u32,
                crc: crc32fast::hash(bytes),
            };
            offset += bytes.len() as u64;
            entries.extend(entry(*chunk, document, Some(location)));
            self.insert(*chunk, document, location);
        }
        self.append(&entries)
    }

    /// Forgets a document: its records are overwritten at once.
    pub(super) fn remove(&mut self, document: u64) -> Result<()> {
        let Some(chunks) = self.documents.remove(&document) else {
            return Ok(());
        };
        for chunk in chunks {
            let Some(location) = self.records.remove(&chunk) else {
                continue;
            };
            if let Some(segment) = self.segments.get_mut(&location.segment) {
                segment.dead += u64::from(location.length);
                let zeros = vec![0; location.length as usize];
                segment
                    .file
                    .write_all_at(&zeros, u64::from(location.offset))?;
            }
        }
        self.append(&entry(0, document, None))
    }

    /// Makes all writes so far durable and records that they reach up to change `sequence`.
    pub(super) fn commit(&mut self, sequence: u64) -> Result<()> {
        for segment in self.segments.values() {
            segment.file.sync_data()?;
        }
        self.log.sync_data()?;
        self.state.sequence = sequence;
        self.write_state()
    }

    pub(super) fn record(&self, chunk: ChunkId) -> Option<Record> {
        let location = *self.records.get(&chunk)?;
        let file = self.segments.get(&location.segment)?.file.clone();
        Some(Record { file, location })
    }

    pub(super) fn chunks(&self, document: u64) -> &[ChunkId] {
        self.documents.get(&document).map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Writes the live records of the segment with the largest dead share again, where it is worth
    /// it, and gives the segment's space back. True where it was.
    ///
    /// What was written since the last commit is made durable by it, under the old watermark.
    pub(super) fn compact(&mut self) -> Result<bool> {
        let worth = |segment: &Segment| {
            segment.dead >= DEAD_BYTES && segment.dead as f64 >= segment.length as f64 * DEAD_SHARE
        };
        let Some(&number) = self
            .segments
            .iter()
            .filter(|(_, segment)| worth(segment))
            .max_by_key(|(_, segment)| segment.dead)
            .map(|(number, _)| number)
        else {
            return Ok(false);
        };
        let live: Vec<(ChunkId, Location)> = self
            .records
            .iter()
            .filter(|(_, location)| location.segment == number)
            .map(|(chunk, location)| (*chunk, *location))
            .collect();
        let target = self.new_segment()?;
        for (chunk, location) in live {
            let Some(bytes) = self.record(chunk).and_then(|record| record.read()) else {
                return Err(damaged(&self.folder, "a record cannot be read"));
            };
            if let Some(segment) = self.segments.get_mut(&target) {
                segment.file.write_all_at(&bytes, segment.length)?;
                let moved = Location {
                    segment: target,
                    offset: segment.length as u32,
                    ..location
                };
                segment.length += bytes.len() as u64;
                self.records.insert(chunk, moved);
            }
        }
        self.segments.remove(&number);
        self.rewrite_log()?;
        let sequence = self.state.sequence;
        self.commit(sequence)?;
        self.sweep()?;
        Ok(true)
    }

    /// A log of what is live only, under the next number.
    fn rewrite_log(&mut self) -> Result<()> {
        let number = self.state.log + 1;
        let mut bytes = Vec::with_capacity(self.records.len() * ENTRY_BYTES);
        for (document, chunks) in &self.documents {
            for chunk in chunks {
                bytes.extend(entry(*chunk, *document, self.records.get(chunk).copied()));
            }
        }
        let path = log_path(&self.folder, number);
        let _ = std::fs::remove_file(&path);
        self.log = open_file(&path)?;
        self.state.log = number;
        self.state.entries = 0;
        self.append(&bytes)
    }

    fn append(&mut self, entries: &[u8]) -> Result<()> {
        let end = self.state.entries * ENTRY_BYTES as u64;
        self.log.write_all_at(entries, end)?;
        self.state.entries += (entries.len() / ENTRY_BYTES) as u64;
        Ok(())
    }

    fn insert(&mut self, chunk: ChunkId, document: u64, location: Location) {
        self.records.insert(chunk, location);
        self.documents.entry(document).or_default().push(chunk);
    }

    fn segment_with_room(&mut self, bytes: u64) -> Result<u32> {
        let newest = self.segments.keys().max().copied();
        match newest.and_then(|number| self.segments.get(&number).map(|s| (number, s.length))) {
            Some((number, length)) if length + bytes <= SEGMENT_BYTES || length == 0 => Ok(number),
            _ => self.new_segment(),
        }
    }

    fn new_segment(&mut self) -> Result<u32> {
        let number = self.segments.keys().max().map_or(1, |newest| newest + 1);
        let path = segment_path(&self.folder, number);
        let _ = std::fs::remove_file(&path);
        let segment = Segment {
            file: Arc::new(open_file(&path)?),
            length: 0,
            dead: 0,
        };
        self.segments.insert(number, segment);
        Ok(number)
    }

    fn write_state(&mut self) -> Result<()> {
        self.state.segments = self
            .segments
            .iter()
            .map(|(number, segment)| (*number, segment.length))
            .collect();
        let bytes = serde_json::to_vec(&self.state)
            .map_err(|error| damaged(&self.folder, &error.to_string()))?;
        let partial = self.folder.join("state.partial");
        let mut file = File::create(&partial)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, self.folder.join(STATE))?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Removes files that the state does not name: left by a kill, or compacted away.
    fn sweep(&self) -> Result<()> {
        for file in std::fs::read_dir(&self.folder)?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let number = |prefix: &str| -> Option<u32> {
                name.strip_prefix(prefix)?
                    .strip_suffix(".bin")?
                    .parse()
                    .ok()
            };
            let is_needed = match (number("segment-"), number("log-")) {
                (Some(number), _) => self
                    .state
                    .segments
                    .iter()
                    .any(|(named, _)| *named == number),
                (_, Some(number)) => number == self.state.log,
                _ => true,
            };
            if !is_needed {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn open_segments(&mut self) -> Result<()> {
        for (number, length) in &self.state.segments {
            let path = segment_path(&self.folder, *number);
            let file = OpenOptions::new().read(true).write(true).open(&path);
            let file = file.map_err(|error| damaged(&self.folder, &error.to_string()))?;
            if file.metadata()?.len() < *length {
                return Err(damaged(&self.folder, "a segment is too short"));
            }
            file.set_len(*length)?;
            let segment = Segment {
                file: Arc::new(file),
                length: *length,
                dead: *length,
            };
            self.segments.insert(*number, segment);
        }
        Ok(())
    }

    fn read_log(&mut self) -> Result<()> {
        let length = self.state.entries * ENTRY_BYTES as u64;
        if self.log.metadata()?.len() < length {
            return Err(damaged(&self.folder, "the log is too short"));
        }
        self.log.set_len(length)?;
        let mut bytes = vec![0; length as usize];
        self.log.read_exact_at(&mut bytes, 0)?;
        for bytes in bytes.chunks_exact(ENTRY_BYTES) {
            let Some((chunk, document, location)) = parsed(bytes) else {
                return Err(damaged(&self.folder, "the log is garbled"));
            };
            match location {
                None => {
                    for chunk in self.documents.remove(&document).unwrap_or_default() {
                        self.records.remove(&chunk);
                    }
                }
                Some(location) => {
                    let end = u64::from(location.offset) + u64::from(location.length);
                    match self.segments.get(&location.segment) {
                        Some(segment) if end <= segment.length => {}
                        // Its segment was compacted away, which only happens to removed ones; a
                        // later entry removes it here too.
                        None => {}
                        Some(_) => return Err(damaged(&self.folder, "the log is garbled")),
                    }
                    self.insert(chunk, document, location);
                }
            }
        }
        for location in self.records.values() {
            match self.segments.get_mut(&location.segment) {
                Some(segment) => {
                    segment.dead = segment.dead.saturating_sub(u64::from(location.length));
                }
                None => return Err(damaged(&self.folder, "a segment is missing")),
            }
        }
        Ok(())
    }
}

/// An entry of the log: chunk, document, segment, offset, length, checksum of the record, and a
/// checksum of the entry, little-endian. Length 0 removes the document.
fn entry(chunk: ChunkId, document: u64, location: Option<Location>) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..8].copy_from_slice(&chunk.to_le_bytes());
    bytes[8..16].copy_from_slice(&document.to_le_bytes());
    if let Some(location) = location {
        bytes[16..20].copy_from_slice(&location.segment.to_le_bytes());
        bytes[20..24].copy_from_slice(&location.offset.to_le_bytes());
        bytes[24..28].copy_from_slice(&location.length.to_le_bytes());
        bytes[28..32].copy_from_slice(&location.crc.to_le_bytes());
    }
    let crc = crc32fast::hash(&bytes[..32]);
    bytes[32..36].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn parsed(bytes: &[u8]) -> Option<(ChunkId, u64, Option<Location>)> {
    let word = |at: usize| -> Option<u64> {
        Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
    };
    let half = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    if half(32)? != crc32fast::hash(bytes.get(..32)?) {
        return None;
    }
    let location = Location {
        segment: half(16)?,
        offset: half(20)?,
        length: half(24)?,
        crc: half(28)?,
    };
    Some((
        word(0)?,
        word(8)?,
        (location.length > 0).then_some(location),
    ))
}

fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("segment-{number}.bin"))
}

fn log_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("log-{number}.bin"))
}

fn open_file(path: &Path) -> Result<File> {
    Ok(OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?)
}

fn damaged(folder: &Path, why: &str) -> Error {
    Error::Tokens(format!("{}: {why}", folder.display()))
}
