//! `lectern chat`: one question after another in the terminal.
//!
//! In a terminal, lines can be edited and earlier questions recalled; Ctrl-C stops the answer, not
//! the program. Where input or output is no terminal, a line in is a turn out, for scripts. The
//! library is opened once for all questions, and other commands reach it through this process
//! meanwhile, as they reach a server.

mod input;

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context, Result};
use generation::Answer;
use serde_json::json;

use super::args::Chat;
use super::{Exit, ask, conversations, lost, output};
use crate::control::{self, ConversationsRequest, Event, ExportFormat, Request, socket};
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::ask::{AskEvent, AskRequest};
use crate::library::conversations::{ConversationDetails, NEW};
use crate::settings::Settings;
use input::{Input, Line};

const HELP: &str = "\
Ask a question, or go on from the last answer. Commands:
  /new                begin another conversation
  /list               show earlier conversations
  /open ID            go on with one of them (start of its id, or its number in /list)
  /collection [NAME]  ask only this collection; all of them without a name
  /document [DOC]     ask only this document (id, start of it, or file name); all without one
  /sources            show the sources of the last answer again
  /export FILE        write the conversation to a file: .md, .bib (BibTeX) or .json (CSL-JSON)
  /help               this
  /quit               end (also Ctrl-D); Ctrl-C stops an answer";

pub(super) async fn run(settings: Settings, args: Chat) -> Result<Exit> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut chat = Session::begin(settings, args).await?;
    let mut input = Input::open(is_terminal && !chat.json)?;
    for question in chat.earlier_questions() {
        input.remember(&question);
    }
    if is_terminal && !chat.json {
        chat.greet()?;
    }
    let (mut asked, mut failed) = (0, 0);
    loop {
        let line = match input.next().await? {
            Line::Text(line) => line,
            Line::Nothing => continue,
            Line::Interrupted => return Ok(Exit::Interrupted),
            Line::End => break,
        };
        if matches!(line.as_str(), "/quit" | "/exit" | "/q") {
            break;
        }
        asked += 1;
        if let Err(error) = chat.take(&line).await {
            if output::is_broken_pipe(&error) {
                return Err(error);
            }
            failed += 1;
            report(&error, chat.json)?;
        }
    }
    chat.end().await?;
    Ok(match failed {
        0 => Exit::Done,
        _ if is_terminal => Exit::Done,
        _ if failed == asked => Exit::Failed,
        _ => Exit::Partly,
    })
}

fn report(error: &anyhow::Error, json: bool) -> Result<()> {
    let problem = Problem::from_error(error);
    if json {
        output::json(&json!({
            "error": { "code": problem.code, "message": problem.message, "hint": problem.hint }
        }))?;
    }
    eprintln!("error: {}\nhint: {}", problem.message, problem.hint);
    Ok(())
}

/// A conversation in progress.
struct Session {
    settings: Settings,
    /// The library, where this process owns the data folder.
    library: Option<Arc<Library>>,
    request: AskRequest,
    /// The conversation so far; `None` before its first answer.
    conversation: Option<ConversationDetails>,
    last: Option<Answer>,
    /// Ids as `/list` numbered them.
    listed: Vec<String>,
    /// What was chosen since the last question: it is asked of that from now on.
    is_rescoped: bool,
    json: bool,
}

impl Session {
    async fn begin(settings: Settings, args: Chat) -> Result<Self> {
        let library = match control::is_served(&settings).await? {
            true => None,
            false => {
                let library = Library::open(settings.clone()).await?;
                socket::listen(library.clone())?;
                Some(library)
            }
        };
        let is_rescoped = args.collection.is_some() || !args.document.is_empty();
        let mut session = Self {
            settings,
            library,
            request: AskRequest {
                collection: args.collection,
                documents: args.document,
                top_k: args.top_k,
                extractive: args.extractive,
                seed: args.seed,
                ..AskRequest::default()
            },
            conversation: None,
            last: None,
            listed: Vec::new(),
            is_rescoped,
            json: args.json,
        };
        if args.conversation.is_some() || args.last {
            session.open(args.conversation).await?;
        }
        Ok(session)
    }

    fn earlier_questions(&self) -> Vec<String> {
        let turns = self.conversation.iter().flat_map(|found| &found.messages);
        turns.map(|turn| turn.question.clone()).collect()
    }

    fn greet(&self) -> Result<()> {
        if let Some(details) = &self.conversation {
            conversations::show(details)?;
        }
        eprintln!("Ask your papers. /help shows the commands, /quit ends.");
        Ok(())
    }

    /// Carries out one line.
    async fn take(&mut self, line: &str) -> Result<()> {
        let Some(command) = line.strip_prefix('/') else {
            return self.ask(line).await;
        };
        let (name, argument) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        let argument = argument.trim();
        match name {
            "new" => {
                self.conversation = None;
                self.last = None;
                self.is_rescoped = true;
                self.say(
                    "A new conversation begins with the next question.",
                    &json!({ "conversation": null }),
                )
            }
            "list" => self.list().await,
            "open" => {
                let number: Option<usize> = argument.parse().ok().filter(|number| *number > 0);
                let listed = number
                    .and_then(|number| self.listed.get(number - 1))
                    .cloned();
                self.open(Some(listed.unwrap_or_else(|| argument.to_owned())))
                    .await?;
                match &self.conversation {
                    Some(details) if self.json => output::json(details),
                    Some(details) => conversations::show(details),
                    None => Ok(()),
                }
            }
            "collection" => {
                self.request.collection = (!argument.is_empty()).then(|| argument.to_owned());
                self.is_rescoped = true;
                self.say_scope()
            }
            "document" => {
                self.request.documents = match argument {
                    "" => Vec::new(),
                    name => {
                        let request = Request::Document {
                            id: name.to_owned(),
                        };
                        let details = self.single(request, |event| match event {
                            Event::Document(details) => Some(details),
                            _ => None,
                        });
                        vec![details.await?.record.id]
                    }
                };
                self.is_rescoped = true;
                self.say_scope()
            }
            "sources" => self.sources(),
            "export" => self.export(argument).await,
            "help" => self.say(HELP, &json!({ "help": HELP })),
            _ => Err(Problem::new(
                Fault::Usage,
                "command_unknown",
                format!("there is no command /{}", output::plain(name)),
                "/help shows the commands; a question does not begin with /",
            )
            .into()),
        }
    }

    async fn ask(&mut self, question: &str) -> Result<()> {
        let request = AskRequest {
            question: question.to_owned(),
            conversation: Some(self.conversation_id().unwrap_or(NEW).to_owned()),
            // Said outright, even where it is all of them: the conversation may know otherwise.
            collection: self
                .names_scope()
                .then(|| self.request.collection.clone().unwrap_or_default()),
            documents: match self.names_scope() {
                true => self.request.documents.clone(),
                false => Vec::new(),
            },
            ..self.request.clone()
        };
        let mut events = self.start(Request::Ask(request)).await?;
        let spinner = crate::progress::Spinner::start("searching");
        let answer = loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = tokio::signal::ctrl_c() => {
                    spinner.finish();
                    // Closing it stops the model; what was not finished is not kept.
                    drop(events);
                    eprintln!("stopped; nothing of it is kept");
                    return Ok(());
                }
            };
            match event.ok_or_else(lost)? {
                Event::Asking(AskEvent::Evidence(quotes)) => {
                    spinner.message(&format!("reading {} quotes", quotes.len()));
                }
                Event::Asking(AskEvent::Token(text)) => {
                    spinner.append(&output::plain(&text), text.starts_with(char::is_whitespace));
                }
                Event::Answer(answer) => break answer,
                Event::Failed(problem) => {
                    spinner.finish();
                    return Err(problem.into());
                }
                _ => {}
            }
        };
        spinner.finish();
        self.is_rescoped = false;
        ask::show(&answer, self.json)?;
        let details = self.details(answer.conversation.clone()).await?;
        self.request
            .collection
            .clone_from(&details.conversation.collection);
        self.request
            .documents
            .clone_from(&details.conversation.documents);
        self.conversation = Some(details);
        self.last = Some(answer);
        Ok(())
    }

    fn conversation_id(&self) -> Option<&str> {
        self.conversation
            .as_ref()
            .map(|details| details.conversation.id.as_str())
    }

    /// True where the question must say what it is asked of: the conversation knows otherwise.
    fn names_scope(&self) -> bool {
        self.is_rescoped || self.conversation.is_none()
    }

    async fn list(&mut self) -> Result<()> {
        let request = Request::Conversations(ConversationsRequest::List {
            limit: Some(20),
            cursor: None,
        });
        let list = self
            .single(request, |event| match event {
                Event::Conversations(list) => Some(list),
                _ => None,
            })
            .await?;
        self.listed = list
            .conversations
            .iter()
            .map(|conversation| conversation.id.clone())
            .collect();
        if self.json {
            return output::json(&list);
        }
        for (number, conversation) in (1..).zip(&list.conversations) {
            output::line(&format!(
                "{number:>3}  {}",
                conversations::one_line(conversation)
            ))?;
        }
        if list.conversations.is_empty() {
            eprintln!("There is no conversation yet.");
        }
        Ok(())
    }

    async fn open(&mut self, id: Option<String>) -> Result<()> {
        let details = self.details(id).await?;
        if !self.is_rescoped {
            self.request
                .collection
                .clone_from(&details.conversation.collection);
            self.request
                .documents
                .clone_from(&details.conversation.documents);
        }
        self.last = details
            .messages
            .iter()
            .rev()
            .find_map(|turn| turn.answer.clone());
        self.conversation = Some(details);
        Ok(())
    }

    async fn details(&self, id: Option<String>) -> Result<ConversationDetails> {
        let request = Request::Conversations(ConversationsRequest::Show { id });
        let found = self.single(request, |event| match event {
            Event::Conversation(details) => Some(*details),
            _ => None,
        });
        found.await
    }

    fn say_scope(&self) -> Result<()> {
        let collection = match &self.request.collection {
            Some(name) => format!("the collection {}", output::plain(name)),
            None => "all collections".to_owned(),
        };
        let documents = match self.request.documents.len() {
            0 => String::new(),
            _ => format!(", only {}", self.request.documents.join(", ")),
        };
        self.say(
            &format!("Questions are asked of {collection}{documents} from now on."),
            &json!({ "collection": self.request.collection, "documents": self.request.documents }),
        )
    }

    fn sources(&self) -> Result<()> {
        let Some(answer) = &self.last else {
            return Err(nothing_yet().into());
        };
        if self.json {
            return output::json(&json!({ "citations": answer.citations }));
        }
        ask::show_sources(answer)
    }

    async fn export(&self, file: &str) -> Result<()> {
        let id = self.conversation_id().ok_or_else(nothing_yet)?.to_owned();
        let lower = file.to_lowercase();
        let format = match lower.rsplit_once('.').map(|(_, ending)| ending) {
            Some("bib" | "bibtex") => ExportFormat::Bibtex,
            Some("json") => ExportFormat::CslJson,
            _ => ExportFormat::Markdown,
        };
        if file.is_empty() {
            return Err(Problem::new(
                Fault::Usage,
                "file_missing",
                "/export needs a file to write to",
                "such as /export answers.md, or .bib and .json for the sources alone",
            )
            .into());
        }
        let request = Request::Conversations(ConversationsRequest::Export { id, format });
        let text = self.single(request, |event| match event {
            Event::Exported(text) => Some(text),
            _ => None,
        });
        let text = text.await?;
        // What is there is not written over: it may be somebody's paper.
        let mut open = std::fs::OpenOptions::new();
        let mut written = open
            .write(true)
            .create_new(true)
            .open(file)
            .with_context(|| format!("writing {file}"))?;
        std::io::Write::write_all(&mut written, text.as_bytes())
            .with_context(|| format!("writing {file}"))?;
        self.say(&format!("Written to {file}."), &json!({ "written": file }))
    }

    /// Tells something that is no answer.
    fn say(&self, text: &str, value: &serde_json::Value) -> Result<()> {
        match self.json {
            true => output::json(value),
            false => {
                eprintln!("{text}");
                Ok(())
            }
        }
    }

    async fn start(&self, request: Request) -> Result<tokio::sync::mpsc::UnboundedReceiver<Event>> {
        match &self.library {
            Some(library) => Ok(control::start_here(library.clone(), request)),
            None => control::start(self.settings.clone(), request).await,
        }
    }

    async fn single<T>(&self, request: Request, pick: impl Fn(Event) -> Option<T>) -> Result<T> {
        let mut events = self.start(request).await?;
        loop {
            match events.recv().await.ok_or_else(lost)? {
                Event::Failed(problem) => return Err(problem.into()),
                event => {
                    if let Some(found) = pick(event) {
                        return Ok(found);
                    }
                }
            }
        }
    }

    async fn end(self) -> Result<()> {
        if let Some(library) = self.library {
            library.close().await?;
        }
        Ok(())
    }
}

fn nothing_yet() -> Problem {
    Problem::new(
        Fault::Usage,
        "nothing_asked",
        "there is no answer in this conversation yet",
        "ask a question first, or open a conversation with /open",
    )
}
