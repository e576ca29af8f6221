//! TensorBoard's event files, so that a run's curves can be looked at with the tools that people
//! have.
//!
//! A file is a sequence of records, each framed by its length and masked CRC-32C checksums
//! (TFRecord, <https://www.tensorflow.org/tutorials/load_data/tfrecord>), and a record is an `Event`
//! in protocol buffers (`tensorflow/core/util/event.proto`). Four fields of it are needed, so they
//! are encoded here by hand.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes an event file.
#[derive(Debug)]
pub struct EventWriter {
    file: File,
}

impl EventWriter {
    /// A new file in `folder`. `first_step` is the step after which this run, or this part of it,
    /// begins: what an earlier file has beyond it is hidden.
    ///
    /// # Errors
    /// Those of writing.
    pub fn create(folder: &Path, first_step: usize) -> io::Result<Self> {
        let now = now();
        let mut second = now as u64;
        // Files are read in the order of their names.
        let file = loop {
            let path = folder.join(format!("events.out.tfevents.{second:010}.lectern"));
            match File::create_new(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => second += 1,
                other => break other?,
            }
        };
        let mut writer = Self { file };
        writer.write(&version(now))?;
        writer.write(&session_start(now, first_step as u64 + 1))?;
        Ok(writer)
    }

    /// Adds one number to the curve `tag`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn scalar(&mut self, tag: &str, step: usize, value: f64) -> io::Result<()> {
        self.write(&scalar(now(), step as u64, tag, value as f32))
    }

    fn write(&mut self, event: &[u8]) -> io::Result<()> {
        // One call a record, so that a kill leaves at most one record in part.
        self.file.write_all(&record(event))
    }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |passed| passed.as_secs_f64())
}

/// Frames a record.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_checksum(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_checksum(data).to_le_bytes());
    record
}

/// Rotated and offset, since the checksum of data that holds checksums is weak.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

fn key(out: &mut Vec<u8>, field: u64, kind: u64) {
    varint(out, field << 3 | kind);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(out, field, BYTES);
    varint(out, value.len() as u64);
    out.extend(value);
}

/// An `Event` with its `wall_time` and `step`.
fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, FIXED_64);
    event.extend(wall_time.to_le_bytes());
    if step > 0 {
        key(&mut event, 2, VARINT);
        varint(&mut event, step);
    }
    event
}

/// `Event.file_version`, which begins a file.
fn version(wall_time: f64) -> Vec<u8> {
    let mut event = event(wall_time, 0);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// `Event.session_log` with the status START: what is known of later steps is void.
fn session_start(wall_time: f64, step: u64) -> Vec<u8> {
    let mut log = Vec::new();
    key(&mut log, 1, VARINT);
    varint(&mut log, 1);
    let mut event = event(wall_time, step);
    bytes(&mut event, 7, &log);
    event
}

/// `Event.summary` with one `Value`: `tag` and `simple_value`.
fn scalar(wall_time: f64, step: u64, tag: &str, number: f32) -> Vec<u8> {
    let mut value = Vec::new();
    bytes(&mut value, 1, tag.as_bytes());
    key(&mut value, 2, FIXED_32);
    value.extend(number.to_le_bytes());
    let mut summary = Vec::new();
    bytes(&mut summary, 1, &value);
    let mut event = event(wall_time, step);
    bytes(&mut event, 5, &summary);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_is_tensorflows() {
        let mut expected = vec![
            0x18, 0, 0, 0, 0, 0, 0, 0, // length
            0xa3, 0x7f, 0x4b, 0x22, // its checksum
            0x09, 0, 0, 0, 0, 0, 0, 0, 0, // wall_time
            0x1a, 13, // file_version
        ];
        expected.extend(b"brain.Event:2");
        let record = record(&version(0.0));
        assert_eq!(record[..expected.len()], expected);
        assert_eq!(record.len(), expected.len() + 4);
    }

    #[test]
    fn checksums_are_castagnolis_masked() {
        // RFC 3720, appendix B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let expected = 0x8a91_36aau32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_checksum(&[0; 32]), expected);
    }

    #[test]
    fn a_scalar_is_an_event_with_a_summary() {
        let event = scalar(1.5, 300, "loss", 0.25);
        let mut expected = vec![0x09];
        expected.extend(1.5f64.to_le_bytes());
        expected.extend([0x10, 0xac, 0x02]);
        expected.extend([0x2a, 13, 0x0a, 11, 0x0a, 4]);
        expected.extend(b"loss");
        expected.push(0x15);
        expected.extend(0.25f32.to_le_bytes());
        assert_eq!(event, expected);
    }

    #[test]
    fn parts_of_a_run_are_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for part in 0..3 {
            let mut writer = EventWriter::create(folder.path(), part * 10).unwrap();
            writer.scalar("loss", part * 10 + 1, 0.5).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
