//! The parent's side: what a caller asks of a child process, and how long it may take.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::process::{Next, Worker, cause};
use super::protocol::{Message, Request, Task};
use super::reading::{End, Reading};
use super::{Limits, Probe};
use crate::ocr::{self, Recognition};
use crate::picture::{Png, Size, png_size};
use crate::{Document, Error, Format, formats, garbage};

/// Reads PDFs, each in a child process.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The program to run, which must end up in [`super::run`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What one file may cost.
    pub limits: Limits,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Pages read of all pages.
    Reading {
        /// Pages done.
        done: u32,
        /// Pages in all.
        total: u32,
    },
    /// Pages recognised of those that need it.
    Recognising {
        /// Pages done.
        done: u32,
        /// Pages that need recognition.
        total: u32,
    },
}

impl Reader {
    /// Reads one PDF. Blocks until done; call it from a thread that may.
    ///
    /// `cancelled` is asked some forty times a second. `on_progress` is told the pages done and the
    /// pages in all. Where the child fails after some pages had text, the document holds those,
    /// empty pages for the rest, and a warning `reading_stopped`.
    pub fn read(
        &self,
        bytes: &[u8],
        password: Option<&str>,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(u32, u32),
    ) -> Result<Document, Error> {
        self.read_recognising(bytes, password, None, cancelled, &mut |progress| {
            if let Progress::Reading { done, total } = progress {
                on_progress(done, total);
            }
        })
    }

    /// As [`Reader::read`], and pages whose text is missing or garbled are rendered and put through
    /// text recognition where `recognition` is given. A page where that fails stays as it was and
    /// is named in a warning.
    pub fn read_recognising(
        &self,
        bytes: &[u8],
        password: Option<&str>,
        recognition: Option<&Recognition>,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Document, Error> {
        // No process for what can be told at once.
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if cancelled() {
            return Err(Error::Cancelled);
        }
        // One copy for all processes and the threads that feed them.
        let bytes: Arc<[u8]> = bytes.into();
        let worker = self.start(Task::Read, &bytes, password)?;
        let mut reading = Reading::default();
        let end = self.follow(&worker, &mut reading, cancelled, on_progress);
        let status = worker.end();
        let (start, mut pages, mut warnings) = reading.finish(end, status.as_ref())?;
        garbage::judge(&mut pages);
        if let Some(recognition) = recognition {
            // Nobody is waiting in front of this picture, and it is a big one.
            let time = Duration::from_millis(self.limits.render_ms)
                .max(Duration::from_secs(recognition.page_seconds));
            let render = |page, dpi| {
                let what = (page, Size::Dpi(dpi));
                self.draw((&bytes, password), what, time, cancelled)
            };
            warnings.extend(ocr::recognise_pages(
                &mut pages,
                recognition,
                &render,
                cancelled,
                on_progress,
            )?);
        }
        Ok(crate::assemble::assemble(&start, pages, warnings))
    }

    /// Reads a file of any format. `name` helps to tell which where the bytes leave it open.
    pub fn read_file(
        &self,
        bytes: &[u8],
        name: &str,
        password: Option<&str>,
        recognition: Option<&Recognition>,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Document, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        let Some(format) = formats::detect(bytes, name) else {
            return Err(formats::unsupported(bytes, name));
        };
        if format == Format::Pdf {
            return self.read_recognising(bytes, password, recognition, cancelled, on_progress);
        }
        let time = Duration::from_millis(self.limits.base_ms);
        match self.ask(
            Task::Document { format },
            &bytes.into(),
            None,
            time,
            cancelled,
        )? {
            Message::Document(document) => {
                let document = super::reading::document(*document)?;
                let total = document.pages.len() as u32;
                on_progress(Progress::Reading { done: total, total });
                Ok(document)
            }
            _ => Err(Error::WorkerDied {
                reason: "it answered something that is not a document".to_owned(),
            }),
        }
    }

    /// Draws a page, counted from 1, in a child process.
    pub fn render(
        &self,
        bytes: &[u8],
        password: Option<&str>,
        page: u32,
        size: Size,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Png, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        let time = Duration::from_millis(self.limits.render_ms);
        self.draw((&bytes.into(), password), (page, size), time, cancelled)
    }

    fn draw(
        &self,
        (bytes, password): (&Arc<[u8]>, Option<&str>),
        (page, size): (u32, Size),
        time: Duration,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Png, Error> {
        let task = Task::Render { page, size };
        match self.ask(task, bytes, password, time, cancelled)? {
            Message::Image {
                width,
                height,
                bytes,
                ..
            } if png_size(&bytes) == Some((width, height))
                && u64::from(width) * u64::from(height) <= 2 * crate::picture::MAX_PIXELS =>
            {
                Ok(Png {
                    bytes,
                    width,
                    height,
                })
            }
            _ => Err(Error::WorkerDied {
                reason: "it answered something that is not an image".to_owned(),
            }),
        }
    }

    /// Starts a child that tries to break out, and tells what came of it.
    pub fn probe(&self) -> Result<Probe, Error> {
        let time = Duration::from_millis(self.limits.base_ms);
        match self.ask(Task::Probe, &Arc::default(), None, time, &|| false)? {
            Message::Probe(probe) => Ok(probe),
            _ => Err(Error::WorkerDied {
                reason: "it answered something that was not asked".to_owned(),
            }),
        }
    }

    fn start(
        &self,
        task: Task,
        bytes: &Arc<[u8]>,
        password: Option<&str>,
    ) -> std::io::Result<Worker> {
        let request = Request {
            task,
            password: password.map(str::to_owned),
            limits: self.limits,
            length: bytes.len() as u64,
        };
        Worker::start(self, &request, bytes.clone())
    }

    /// Has a task done whose answer is one message.
    fn ask(
        &self,
        task: Task,
        bytes: &Arc<[u8]>,
        password: Option<&str>,
        time: Duration,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Message, Error> {
        let worker = self.start(task, bytes, password)?;
        let next = worker.next(Instant::now() + time, cancelled);
        let status = worker.end();
        match next {
            Next::Message(Message::Error(failure)) => Err(failure.into()),
            Next::Message(message) => Ok(message),
            Next::Cancelled => Err(Error::Cancelled),
            Next::TimedOut => Err(Error::TimedOut {
                seconds: time.as_secs(),
            }),
            Next::Fault(fault) => Err(Error::WorkerDied {
                reason: fault.to_string(),
            }),
            Next::Closed => Err(Error::WorkerDied {
                reason: cause(status.as_ref()),
            }),
        }
    }

    /// Takes messages until the child is done, fails, runs out of time or the caller cancels.
    fn follow(
        &self,
        worker: &Worker,
        reading: &mut Reading,
        cancelled: &(dyn Fn() -> bool + Sync),
        on_progress: &mut dyn FnMut(Progress),
    ) -> End {
        let began = Instant::now();
        loop {
            let allowed = self.limits.deadline(reading.start.pages);
            match worker.next(began + allowed, cancelled) {
                Next::Message(message) => {
                    if let Some(end) = reading.take(message) {
                        return end;
                    }
                    on_progress(Progress::Reading {
                        done: reading.pages.len() as u32,
                        total: reading.start.pages,
                    });
                }
                Next::Cancelled => return End::Cancelled,
                Next::TimedOut => {
                    return End::TimedOut {
                        seconds: allowed.as_secs(),
                    };
                }
                Next::Fault(fault) => return End::Died { fault: Some(fault) },
                Next::Closed => return End::Died { fault: None },
            }
        }
    }
}
