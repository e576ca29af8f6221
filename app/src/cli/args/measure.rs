//! `lectern eval` and `lectern bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Eval {
    /// How well and how fast papers are read
    Extraction(Extraction),
    /// How long chunks should be: hit rate of questions for several sizes
    Chunks(Chunks),
    /// How well passages are found: BM25, dense, hybrid and reranked, side by side
    Retrieval(Retrieval),
    /// How well questions are answered, cited and refused
    Answers(EvalAnswers),
    /// The same with questions made of the library's own sentences, kept and asked again after changes
    #[command(name = "self")]
    Own(EvalSelf),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EvalSelf {
    /// Questions on sentences of the library; half as many are asked of other papers, to be declined
    #[arg(long, value_name = "N", default_value_t = crate::eval::own::QUESTIONS)]
    pub(in crate::cli) questions: usize,
    /// Forget the questions that are kept, and make others
    #[arg(long)]
    pub(in crate::cli) anew: bool,
    /// Answer with quotes only, without the language model
    #[arg(long)]
    pub(in crate::cli) extractive: bool,
    /// Fit the probability that refusal goes by to these questions and to approved feedback, and use
    /// it from now on
    #[arg(long)]
    pub(in crate::cli) calibrate: bool,
    /// Show how it came out before, newest first, and ask nothing
    #[arg(long, conflicts_with_all = ["anew", "extractive", "calibrate"])]
    pub(in crate::cli) history: bool,
    /// Print each question as it is answered; with --json, as JSON lines
    #[arg(long, short)]
    pub(in crate::cli) verbose: bool,
    /// Print JSON: one object at the end
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EvalAnswers {
    /// JSON lines of questions on papers of the library; with --contexts, a file in the shape of
    /// SQuAD 2.0
    pub(in crate::cli) file: PathBuf,
    /// Ask a library made of the file's own contexts, a document an article
    #[arg(long)]
    pub(in crate::cli) contexts: bool,
    /// Make two libraries of every other article, and ask each question of both
    #[arg(long, requires = "contexts")]
    pub(in crate::cli) halves: bool,
    /// Keep the libraries made of contexts in this folder, and use those that are there
    #[arg(long, value_name = "FOLDER", requires = "contexts")]
    pub(in crate::cli) keep: Option<PathBuf>,
    /// Only from this collection
    #[arg(long, conflicts_with = "contexts")]
    pub(in crate::cli) collection: Option<String>,
    /// Answer with quotes only, without the language model
    #[arg(long)]
    pub(in crate::cli) extractive: bool,
    /// At most so many questions of each set (answerable, absent, adversarial) of each library
    #[arg(long, value_name = "N")]
    pub(in crate::cli) limit: Option<usize>,
    /// Chooses the questions for --limit and draws the intervals
    #[arg(long, value_name = "N", default_value = "1")]
    pub(in crate::cli) seed: u64,
    /// The share of answers that should be right, for the threshold of confidence
    #[arg(long, value_name = "0..1", default_value = "0.9")]
    pub(in crate::cli) precision: f64,
    /// Fit the probability that refusal goes by to these questions, and use it from now on
    #[arg(long)]
    pub(in crate::cli) calibrate: bool,
    /// Write the reliability diagram of confidence, as SVG
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) diagram: Option<PathBuf>,
    /// Write what each answer is worth, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) questions_out: Option<PathBuf>,
    /// Write the table between the markers of this Markdown file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) table: Option<PathBuf>,
    /// Print each question as it is answered; with --json, as JSON lines
    #[arg(long, short)]
    pub(in crate::cli) verbose: bool,
    /// Print JSON: one object at the end
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Retrieval {
    /// Collections in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv
    #[arg(required = true)]
    pub(in crate::cli) collections: Vec<PathBuf>,
    /// Which judgements; "test" where there are several
    #[arg(long)]
    pub(in crate::cli) split: Option<String>,
    /// Keep the indexes in this folder, and use those that are there
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) keep: Option<PathBuf>,
    /// Write the table between the markers of this Markdown file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) table: Option<PathBuf>,
    /// Print JSON, an object a collection
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Chunks {
    /// Folder of papers
    pub(in crate::cli) folder: PathBuf,
    /// JSON lines with "question", "file" and "pages_ok"
    pub(in crate::cli) questions: PathBuf,
    /// Sizes to compare, as TOKENS or TOKENS:OVERLAP
    #[arg(long, value_delimiter = ',', default_value = "254:32,382:48,510:64")]
    pub(in crate::cli) sizes: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Extraction {
    /// Folder of PDFs; beside NAME.pdf, NAME.gold.md (body text) and NAME.jats.xml (structure) are
    /// compared with what is read
    pub(in crate::cli) folder: PathBuf,
    /// JSON object of {"SHA-256": {"title", "authors", "years"}} that PDFs are compared with
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) papers: Option<PathBuf>,
    /// Words, one a line, that words joined at line ends may be, beside those of the papers
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) words: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Bench {
    /// How search scales: build time, memory, latency, recall
    Search(BenchSearch),
    /// Texts embedded a second, with the embedder of the settings
    Embedding(BenchEmbedding),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BenchSearch {
    /// Folder in BEIR's layout that texts and queries are taken from
    #[arg(required_unless_present = "measure")]
    pub(in crate::cli) corpus: Option<PathBuf>,
    /// Sizes of the library
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N",
        default_value = "100000"
    )]
    pub(in crate::cli) chunks: Vec<usize>,
    /// Passages that are embedded; the others' vectors lie between theirs
    #[arg(long, value_name = "N", default_value = "2000")]
    pub(in crate::cli) seeds: usize,
    /// Queries to ask, at most
    #[arg(long, value_name = "N", default_value = "200")]
    pub(in crate::cli) queries: usize,
    /// Where to build; about 4 GB per million chunks [default: the system's temporary folder]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<PathBuf>,
    /// Measure serving from a folder that was built before
    #[arg(long, hide = true)]
    pub(in crate::cli) measure: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BenchEmbedding {
    /// A text a line, or a BEIR corpus.jsonl
    pub(in crate::cli) file: PathBuf,
    /// What it computes in: int8 or float32 [default: the setting embedding.precision]
    #[arg(long)]
    pub(in crate::cli) precision: Option<String>,
    /// What it runs in: auto, onnx or candle [default: the setting embedding.backend]
    #[arg(long)]
    pub(in crate::cli) backend: Option<String>,
    /// Only so many texts
    #[arg(long, value_name = "N")]
    pub(in crate::cli) limit: Option<usize>,
    /// Write the vectors, as little-endian floats
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) vectors: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
