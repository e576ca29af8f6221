//! Pairs in Parquet (<https://parquet.apache.org/docs/file-format/>), as dataset hubs exchange them.
//!
//! Written is a fixed schema whose `messages` column is a list of `role` and `content`. Read are the
//! columns that [`super::dataset`] knows, whatever else a file has; each row becomes the JSON object
//! that the same reader takes. The decoder asserts things about files, so it runs where a panic is an
//! error like any other.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use generation::Message;
use parquet::basic::{Compression, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value, json};

use super::dataset::{About, joined};

/// First and last bytes of a file.
pub(super) const MAGIC: &[u8] = b"PAR1";

const SCHEMA: &str = "message feedback {
    REQUIRED BYTE_ARRAY id (STRING);
    REQUIRED group messages (LIST) {
        REPEATED group list {
            REQUIRED group element {
                REQUIRED BYTE_ARRAY role (STRING);
                REQUIRED BYTE_ARRAY content (STRING);
            }
        }
    }
    REQUIRED BYTE_ARRAY prompt (STRING);
    REQUIRED BYTE_ARRAY completion (STRING);
    REQUIRED BYTE_ARRAY feedback (STRING);
}";

/// Columns that are read.
const READ: [&str; 7] = [
    "messages",
    "prompt",
    "completion",
    "instruction",
    "input",
    "output",
    "feedback",
];

/// Rows written at once.
const ROWS: usize = 1000;

/// Bytes that a file may unfold to.
const LARGEST: i64 = 2 << 30;

/// Writes a file in memory.
pub(super) struct Writer {
    file: SerializedFileWriter<Vec<u8>>,
    waiting: Vec<(String, Vec<Message>, About)>,
}

impl Writer {
    pub(super) fn new() -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        Ok(Self {
            file: SerializedFileWriter::new(
                Vec::new(),
                Arc::new(parse_message_type(SCHEMA)?),
                Arc::new(properties.build()),
            )?,
            waiting: Vec::new(),
        })
    }

    /// Adds an example: its id, and its chat, which ends with the answer.
    pub(super) fn push(
        &mut self,
        id: String,
        messages: Vec<Message>,
        about: About,
    ) -> Result<(), ParquetError> {
        self.waiting.push((id, messages, about));
        if self.waiting.len() >= ROWS {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.flush()?;
        self.file.into_inner()
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns: [Vec<ByteArray>; 6] = Default::default();
        // 0 begins a row's list, 1 goes on with it.
        let mut repetitions: Vec<i16> = Vec::new();
        for (id, messages, about) in &rows {
            let Some((answer, prompt)) = messages.split_last() else {
                continue;
            };
            columns[0].push(bytes(id));
            for (index, message) in messages.iter().enumerate() {
                repetitions.push(i16::from(index > 0));
                columns[1].push(bytes(&message.role));
                columns[2].push(bytes(&message.content));
            }
            columns[3].push(bytes(&joined(prompt)));
            columns[4].push(bytes(&answer.content));
            columns[5].push(bytes(&json!(about).to_string()));
        }
        let definitions = vec![1; repetitions.len()];
        let mut group = self.file.next_row_group()?;
        for (index, values) in columns.iter().enumerate() {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            let writer = column.typed::<ByteArrayType>();
            match index {
                1 | 2 => writer.write_batch(values, Some(&definitions), Some(&repetitions))?,
                _ => writer.write_batch(values, None, None)?,
            };
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text.as_bytes().to_vec())
}

/// Reads the rows of a file, each handed on as the JSON object that it would be.
///
/// # Errors
/// Why the file cannot be read.
pub(super) fn read(file: File, mut on_row: impl FnMut(Value)) -> Result<(), String> {
    let read = AssertUnwindSafe(|| read_rows(file, &mut on_row));
    match catch_unwind(read) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("it is damaged".to_owned()),
    }
}

fn read_rows(file: File, on_row: &mut dyn FnMut(Value)) -> Result<(), ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let groups = reader.metadata().row_groups();
    let size = groups.iter().fold(0_i64, |sum, group| {
        sum.saturating_add(group.total_byte_size())
    });
    if size > LARGEST {
        return Err(ParquetError::General(format!(
            "it unfolds to {} MiB, over {} MiB",
            size >> 20,
            LARGEST >> 20
        )));
    }
    let schema = reader.metadata().file_metadata().schema();
    let known: Vec<TypePtr> = schema
        .get_fields()
        .iter()
        .filter(|field| READ.contains(&field.name()) && is_read(field, 0))
        .cloned()
        .collect();
    if known.is_empty() {
        let names: Vec<&str> = schema
            .get_fields()
            .iter()
            .map(|field| field.name())
            .collect();
        let names: String = names.join(", ").chars().take(200).collect();
        return Err(ParquetError::General(format!(
            "it has none of the columns that are read; it has: {names}"
        )));
    }
    let projection = Type::group_type_builder(schema.name())
        .with_fields(known)
        .build()?;
    for row in reader.get_row_iter(Some(projection))? {
        on_row(object(row?));
    }
    Ok(())
}

/// True for texts, numbers, and lists and structures of these.
fn is_read(field: &Type, depth: usize) -> bool {
    if field.is_primitive() {
        return matches!(
            field.get_physical_type(),
            Physical::BOOLEAN
                | Physical::INT32
                | Physical::INT64
                | Physical::FLOAT
                | Physical::DOUBLE
                | Physical::BYTE_ARRAY
        );
    }
    depth < 8
        && field
            .get_fields()
            .iter()
            .all(|field| is_read(field, depth + 1))
}

fn object(row: Row) -> Value {
    let fields = row.into_columns().into_iter();
    Value::Object(
        fields
            .map(|(name, field)| (name, value(field)))
            .collect::<Map<_, _>>(),
    )
}

fn value(field: Field) -> Value {
    match field {
        Field::Str(text) => text.into(),
        // Some writers do not say that their text is text.
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).map_or(Value::Null, Value::from),
        Field::Bool(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::feedback::dataset;
    use std::io::{Seek, SeekFrom, Write};

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn example(number: usize) -> Vec<Message> {
        let message = |role: &str, content: String| Message {
            role: role.to_owned(),
            content,
        };
        let mut messages = vec![
            message("user", format!("Question {number}? ü\n\"")),
            message("assistant", format!("Answer {number}.")),
        ];
        if number % 2 == 0 {
            messages.insert(0, message("system", "Be short.".to_owned()));
        }
        messages
    }

    fn written(count: usize) -> Vec<u8> {
        let mut writer = Writer::new().unwrap();
        for number in 0..count {
            let about = About {
                question: Some(format!("Question {number}?")),
                ..About::default()
            };
            writer
                .push(format!("id-{number}"), example(number), about)
                .unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_over_several_groups() {
        let mut found = Vec::new();
        read(file(&written(2 * ROWS + 3)), |row| {
            found.push(dataset::read(&row).unwrap());
        })
        .unwrap();
        assert_eq!(found.len(), 2 * ROWS + 3);
        for (number, mut pair) in found.into_iter().enumerate() {
            let about = pair.about.take().unwrap();
            assert_eq!(about.question.unwrap(), format!("Question {number}?"));
            let mut messages = example(number);
            assert_eq!(pair.completion, messages.pop().unwrap().content);
            assert_eq!(pair.prompt, messages);
        }
        read(file(&written(0)), |_| panic!("there are no rows")).unwrap();
    }

    #[test]
    fn damage_is_an_error_and_nothing_else() {
        let whole = written(5);
        for length in (0..whole.len()).step_by(7) {
            assert!(read(file(&whole[..length]), |_| ()).is_err(), "{length}");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x41;
            // It may still be a file; what matters is that reading it ends.
            let _ = read(file(&damaged), |row| {
                let _ = dataset::read(&row);
            });
        }
    }

    #[test]
    fn other_tables_are_told_what_they_lack() {
        let schema = "message m { REQUIRED INT32 number; REQUIRED BYTE_ARRAY text (STRING); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        let error = read(file(&writer.into_inner().unwrap()), |_| ()).unwrap_err();
        assert!(error.contains("it has: number, text"), "{error}");
    }
}
