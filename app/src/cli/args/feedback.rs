//! `lectern feedback` as clap parses it.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use crate::catalog::FeedbackState;
use crate::catalog::feedback::{CitationMark, Reason, Thumbs};
use crate::library::feedback::FeedbackEdit;
use crate::library::feedback::dataset::DatasetFormat;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Feedback {
    /// List feedback, newest first
    List {
        /// Only what stands so
        #[arg(long, value_parser = states())]
        state: Option<FeedbackState>,
        /// Only on this answer
        #[arg(long, value_name = "ID")]
        answer: Option<String>,
        /// So much at most, up to 1000 [default: 100]
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Where the page before ended: its next_cursor
        #[arg(long)]
        cursor: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what is good or bad of an answer
    Add {
        /// Id of the answer, or start of it
        answer: String,
        #[command(flatten)]
        said: Said,
        #[command(flatten)]
        who: Who,
    },
    /// Show feedback, with what would be learnt from it and who did what
    Show {
        /// Id, or start of an id
        feedback: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what was said, or with --edited what is learnt
    Edit {
        /// Id, or start of an id
        feedback: String,
        #[command(flatten)]
        said: Said,
        /// What is to be learnt, in place of all other text
        #[arg(long, value_name = "TEXT")]
        edited: Option<String>,
        /// Take something away; may be repeated
        #[arg(long, value_enum, value_name = "WHAT")]
        clear: Vec<Clear>,
        #[command(flatten)]
        who: Who,
    },
    /// Let feedback go into training
    Approve {
        /// Ids, or starts of ids
        #[arg(required = true)]
        feedback: Vec<String>,
        /// What is to be learnt, where that is something else than was proposed
        #[arg(long, value_name = "TEXT")]
        edited: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Keep feedback out of training
    Reject {
        /// Ids, or starts of ids
        #[arg(required = true)]
        feedback: Vec<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Take feedback back: it is kept, and never learnt
    Withdraw {
        /// Ids, or starts of ids
        #[arg(required = true)]
        feedback: Vec<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Delete feedback for good
    Delete {
        /// Ids, or starts of ids
        #[arg(required = true)]
        feedback: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write examples for training out
    Export {
        /// In what form
        #[arg(long, value_parser = formats(), default_value = "messages")]
        format: DatasetFormat,
        /// Of the feedback that stands so
        #[arg(long, value_parser = states(), default_value = "approved")]
        state: FeedbackState,
        /// File to write, which is not there yet [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Bring in question-answer pairs: JSONL, JSON, Parquet, or a ChatGPT export
    Import {
        /// The file
        file: PathBuf,
        /// Without a review
        #[arg(long)]
        approve: bool,
        #[command(flatten)]
        who: Who,
    },
}

/// Who does it, and how that is told.
#[derive(Debug, Args)]
pub(in crate::cli) struct Who {
    /// Who says so [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) by: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What is said of an answer.
#[derive(Debug, Args)]
pub(in crate::cli) struct Said {
    /// Good or bad
    #[arg(long, value_enum, conflicts_with = "rating")]
    thumbs: Option<Direction>,
    /// 1 (bad) to 5 (good)
    #[arg(long, value_name = "N")]
    rating: Option<u8>,
    /// Why it is bad; may be repeated
    #[arg(long, value_name = "REASON", value_parser = reasons())]
    tag: Vec<Reason>,
    /// What it should have said; [n] refers to citation n of the answer
    #[arg(long, value_name = "TEXT")]
    correction: Option<String>,
    /// Anything else, for the reviewer
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// A citation that supports its sentence, by its number; may be repeated
    #[arg(long, value_name = "N")]
    citation_right: Vec<u32>,
    /// A citation that does not; may be repeated
    #[arg(long, value_name = "N")]
    citation_wrong: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// A good answer
    Up,
    /// A bad answer
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Clear {
    /// Thumbs and rating
    Rating,
    /// All tags
    Tags,
    /// The correction
    Correction,
    /// The comment
    Comment,
    /// All marks of citations
    Citations,
    /// The reviewer's text
    Edited,
}

impl Said {
    /// As the library takes it.
    pub(in crate::cli) fn edit(self) -> FeedbackEdit {
        let marks =
            |keys: Vec<u32>, right| keys.into_iter().map(move |key| CitationMark { key, right });
        let citations: Vec<CitationMark> = marks(self.citation_right, true)
            .chain(marks(self.citation_wrong, false))
            .collect();
        FeedbackEdit {
            thumbs: self.thumbs.map(|thumbs| {
                Some(match thumbs {
                    Direction::Up => Thumbs::Up,
                    Direction::Down => Thumbs::Down,
                })
            }),
            rating: self.rating.map(Some),
            tags: (!self.tag.is_empty()).then_some(self.tag),
            correction: self.correction.map(Some),
            comment: self.comment.map(Some),
            citations: (!citations.is_empty()).then_some(citations),
            edited: None,
            by: None,
        }
    }
}

impl Clear {
    /// Takes it away, where nothing else is put in its place.
    pub(in crate::cli) fn apply(self, edit: &mut FeedbackEdit) {
        match self {
            Clear::Rating => {
                edit.thumbs.get_or_insert(None);
                edit.rating.get_or_insert(None);
            }
            Clear::Tags => {
                edit.tags.get_or_insert_default();
            }
            Clear::Correction => {
                edit.correction.get_or_insert(None);
            }
            Clear::Comment => {
                edit.comment.get_or_insert(None);
            }
            Clear::Citations => {
                edit.citations.get_or_insert_default();
            }
            Clear::Edited => {
                edit.edited.get_or_insert(None);
            }
        }
    }
}

impl Feedback {
    /// True where a script reads the output.
    pub(in crate::cli) fn is_json(&self) -> bool {
        match self {
            Feedback::List { json, .. }
            | Feedback::Show { json, .. }
            | Feedback::Delete { json, .. } => *json,
            Feedback::Add { who, .. }
            | Feedback::Edit { who, .. }
            | Feedback::Approve { who, .. }
            | Feedback::Reject { who, .. }
            | Feedback::Withdraw { who, .. }
            | Feedback::Import { who, .. } => who.json,
            Feedback::Export { .. } => false,
        }
    }
}

/// A parser of `values` by their names.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    values: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.map(name)).try_map(move |given| {
        let found = values.into_iter().find(|value| name(*value) == given);
        found.ok_or_else(|| format!("{given} is unknown"))
    })
}

fn states() -> impl TypedValueParser<Value = FeedbackState> {
    named(FeedbackState::ALL, FeedbackState::as_str)
}

fn reasons() -> impl TypedValueParser<Value = Reason> {
    named(Reason::ALL, Reason::as_str)
}

fn formats() -> impl TypedValueParser<Value = DatasetFormat> {
    named(DatasetFormat::ALL, DatasetFormat::as_str)
}
