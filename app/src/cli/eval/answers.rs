//! `lectern eval answers`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use generation::Outcome;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::catalog::DEFAULT_COLLECTION;
use crate::cli::args::EvalAnswers;
use crate::cli::{Exit, lost, output};
use crate::control::{self, Event, IngestRequest, Request};
use crate::error::{Fault, Problem};
use crate::eval::answers::calibrate::{self, Fitted};
use crate::eval::answers::contexts::{self, Shelf};
use crate::eval::answers::print::write_table;
use crate::eval::answers::report::Report;
use crate::eval::answers::{Judged, Question, Round, Set, questions, sample};
use crate::eval::calibration::{Series, diagram};
use crate::library::ask::calibration;
use crate::library::{FileStatus, Library};
use crate::progress::Bar;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, args: EvalAnswers) -> Result<Exit> {
    if !(args.precision > 0.0 && args.precision < 1.0) {
        return Err(Problem::new(
            Fault::Usage,
            "precision_invalid",
            format!("--precision {} is no share of answers", args.precision),
            "give a number between 0 and 1, such as 0.9",
        )
        .into());
    }
    let mut teller = Teller::new(&args)?;
    let mut judged = Vec::new();
    if args.contexts {
        let shelves = contexts::read(&args.file, args.halves)?;
        for (number, shelf) in shelves.into_iter().enumerate() {
            let scratch = tempfile::tempdir()?;
            let home = match &args.keep {
                Some(keep) => keep.join(format!(
                    "{}{}-{}",
                    name(&args.file),
                    if args.halves { "-half" } else { "" },
                    number + 1
                )),
                None => scratch.path().join("library"),
            };
            let library = filled(settings, &home, &shelf).await?;
            let round = round(&args, shelf.questions);
            let count = round.questions.len();
            let events = control::start_here(library, Request::Evaluate(round));
            judged.extend(listen(events, count, &mut teller).await?);
        }
    } else {
        if questions::is_squad(&args.file) {
            return Err(Problem::new(
                Fault::Usage,
                "contexts_wanted",
                format!("{} brings its own documents", args.file.display()),
                "give --contexts to make a library of them, or --contexts --halves",
            )
            .into());
        }
        let round = round(&args, questions::read_lines(&args.file)?);
        let count = round.questions.len();
        let events = control::start(settings.clone(), Request::Evaluate(round)).await?;
        judged.extend(listen(events, count, &mut teller).await?);
    }
    let mut report = Report::new(
        &name(&args.file),
        &judged,
        args.extractive,
        args.precision,
        args.seed,
    );
    if args.calibrate {
        report.fitted = Some(calibrate(settings, &judged)?);
    }
    tell(&report, &args)
}

/// Fits what refusal goes by, and puts it in force.
pub(super) fn calibrate(settings: &Settings, judged: &[Judged]) -> Result<Fitted> {
    let base = calibration::in_force(&settings.data_dir)?;
    let fitted = calibrate::fit(&base, judged)?;
    let file = calibration::put_in_force(&settings.data_dir, &fitted.calibration)?;
    eprintln!(
        "calibrated on {} questions, {} of them answerable; in force from now on: {}",
        fitted.questions,
        fitted.answerable,
        file.display()
    );
    let wanted = settings.answer_precision;
    if let Some(reached) = fitted.reached.filter(|reached| *reached < wanted) {
        eprintln!(
            "these questions are sure of a precision of {reached} at most; answer.precision is \
             {wanted}, so that answers are given only where they are surer than any of these"
        );
    }
    Ok(fitted)
}

fn tell(report: &Report, args: &EvalAnswers) -> Result<Exit> {
    if args.json {
        output::json(report)?;
    } else {
        output::text(&report.text())?;
    }
    if let Some(file) = &args.table {
        write_table(file, std::slice::from_ref(report))?;
        eprintln!("wrote the table in {}", file.display());
    }
    if let Some(file) = &args.diagram {
        let Some(calibration) = &report.calibration else {
            return Err(Problem::new(
                Fault::Input,
                "no_confidence",
                "there is no diagram: no answer has a confidence",
                "answers have one where refusal is calibrated; see docs/evaluation.md",
            )
            .into());
        };
        let series: [Series; 2] = [
            ("the library can answer", "#36c", &calibration.answerable),
            ("the answer is right", "#c60", &calibration.bins),
        ];
        std::fs::write(file, diagram(&series))
            .with_context(|| format!("writing {}", file.display()))?;
        eprintln!("wrote the diagram in {}", file.display());
    }
    Ok(Exit::Done)
}

fn round(args: &EvalAnswers, questions: Vec<Question>) -> Round {
    Round {
        questions: sample(questions, args.limit, args.seed),
        collection: args.collection.clone(),
        extractive: args.extractive,
        sampling_seed: None,
    }
}

/// A library that holds the documents of a shelf.
async fn filled(settings: &Settings, home: &Path, shelf: &Shelf) -> Result<Arc<Library>> {
    std::fs::create_dir_all(home).with_context(|| format!("making {}", home.display()))?;
    let mut settings = settings.clone();
    settings.data_dir = home.to_path_buf();
    let library = Library::open(settings).await?;
    let files = tempfile::tempdir()?;
    let paths = contexts::write(shelf, files.path())?;
    let bar = Bar::items("reading the contexts", paths.len() as u64);
    let request = Request::Ingest(IngestRequest {
        paths,
        collection: DEFAULT_COLLECTION.to_owned(),
        jobs: 2,
        recursive: false,
        password: None,
        bibtex: None,
        zotero: None,
    });
    let mut events = control::start_here(library.clone(), request);
    let mut done = 0;
    while let Some(event) = events.recv().await {
        match event {
            Event::Failed(problem) => return Err(problem.into()),
            Event::File(report) => {
                done += 1;
                bar.set(done);
                if report.status == FileStatus::Failed {
                    let why = report.error.map(|error| error.message);
                    anyhow::bail!(
                        "the context {} cannot be read: {}",
                        report.file,
                        why.unwrap_or_default()
                    );
                }
            }
            _ => {}
        }
    }
    bar.finish();
    Ok(library)
}

async fn listen(
    mut events: UnboundedReceiver<Event>,
    count: usize,
    teller: &mut Teller,
) -> Result<Vec<Judged>> {
    let bar = Bar::items("asking", count as u64);
    let mut judged = Vec::with_capacity(count);
    while let Some(event) = events.recv().await {
        match event {
            Event::Judged(one) => {
                teller.tell(&one, &bar)?;
                judged.push(*one);
                bar.set(judged.len() as u64);
            }
            Event::Evaluated => {
                bar.finish();
                return Ok(judged);
            }
            Event::Failed(problem) => return Err(problem.into()),
            _ => {}
        }
    }
    Err(lost().into())
}

/// Tells of each question as it is answered.
struct Teller {
    verbose: bool,
    json: bool,
    lines: Option<output::Lines>,
}

impl Teller {
    fn new(args: &EvalAnswers) -> Result<Self> {
        let lines = args.questions_out.as_deref().map(output::Lines::new);
        Ok(Self {
            verbose: args.verbose,
            json: args.json,
            lines: lines.transpose()?,
        })
    }

    fn tell(&mut self, judged: &Judged, bar: &Bar) -> Result<()> {
        if let Some(lines) = &mut self.lines {
            lines.add(judged)?;
        }
        match (self.verbose, self.json) {
            (false, _) => Ok(()),
            (true, true) => output::json(judged),
            (true, false) => {
                bar.line(&line(judged));
                Ok(())
            }
        }
    }
}

pub(super) fn line(judged: &Judged) -> String {
    let mark = match (judged.set, judged.outcome) {
        (Set::Answerable, Outcome::InsufficientEvidence) => "refused",
        (Set::Answerable, _) if judged.is_right() => "right",
        (Set::Answerable, _) => "other",
        (_, Outcome::InsufficientEvidence) => "right to refuse",
        (_, _) => "should refuse",
    };
    format!(
        "{mark}: {} -> {}",
        output::plain(&judged.question),
        output::plain(&judged.answer)
    )
}

fn name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}
