//! `lectern conversations`.

use anyhow::Result;
use serde_json::json;

use super::args::Conversations;
use super::{Exit, ask, lost, output, single};
use crate::catalog::Conversation;
use crate::control::{self, ConversationsRequest, Event, Request};
use crate::library::conversations::ConversationDetails;
use crate::library::conversations::deleted_text;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings, command: Conversations) -> Result<Exit> {
    match command {
        Conversations::List {
            limit,
            cursor,
            json,
        } => {
            let request = ConversationsRequest::List { limit, cursor };
            let list = single(
                settings,
                Request::Conversations(request),
                |event| match event {
                    Event::Conversations(list) => Some(list),
                    _ => None,
                },
            )
            .await?;
            if json {
                output::json(&list)?;
            } else {
                for conversation in &list.conversations {
                    output::line(&one_line(conversation))?;
                }
                if let Some(cursor) = &list.next_cursor {
                    eprintln!("more: --cursor {cursor}");
                }
            }
        }
        Conversations::Show { conversation, json } => {
            let request = ConversationsRequest::Show { id: conversation };
            let details = single(
                settings,
                Request::Conversations(request),
                |event| match event {
                    Event::Conversation(details) => Some(details),
                    _ => None,
                },
            )
            .await?;
            if json {
                output::json(&details)?;
            } else {
                show(&details)?;
            }
        }
        Conversations::Rename {
            conversation,
            title,
            json,
        } => {
            let request = ConversationsRequest::Rename {
                id: conversation,
                title,
            };
            let renamed = single(
                settings,
                Request::Conversations(request),
                |event| match event {
                    Event::ConversationRenamed(renamed) => Some(renamed),
                    _ => None,
                },
            )
            .await?;
            if json {
                output::json(&renamed)?;
            } else {
                output::line(&one_line(&renamed))?;
            }
        }
        Conversations::Export {
            conversation,
            format,
        } => {
            let request = ConversationsRequest::Export {
                id: conversation,
                format: format.into(),
            };
            let text = single(
                settings,
                Request::Conversations(request),
                |event| match event {
                    Event::Exported(text) => Some(text),
                    _ => None,
                },
            )
            .await?;
            output::text(&text)?;
        }
        Conversations::Delete {
            conversations,
            json,
        } => {
            let wanted = conversations.len();
            let request = ConversationsRequest::Delete { ids: conversations };
            let mut events = control::start(settings, Request::Conversations(request)).await?;
            let mut deleted = 0;
            while deleted < wanted {
                match events.recv().await.ok_or_else(lost)? {
                    Event::ConversationDeleted(conversation) => {
                        deleted += 1;
                        let (id, title) = (&conversation.id, output::plain(&conversation.title));
                        if json {
                            output::json(&json!({ "deleted": id, "title": title }))?;
                        } else {
                            output::line(&format!("deleted {id} {title}"))?;
                        }
                    }
                    Event::Failed(problem) => return Err(problem.into()),
                    _ => {}
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// A conversation as lists show it.
pub(super) fn one_line(conversation: &Conversation) -> String {
    let questions = match conversation.turns {
        1 => "1 question".to_owned(),
        count => format!("{count} questions"),
    };
    let day = conversation
        .updated_at
        .split('T')
        .next()
        .unwrap_or_default();
    format!(
        "{}  {} ({questions}, {day})",
        conversation.id,
        output::plain(&conversation.title)
    )
}

/// Prints a conversation as it was.
pub(super) fn show(details: &ConversationDetails) -> Result<()> {
    output::line(&format!("{}\n", one_line(&details.conversation)))?;
    for turn in &details.messages {
        output::line(&format!("> {}\n", output::plain(&turn.question)))?;
        match &turn.answer {
            Some(answer) => {
                ask::show(answer, false)?;
            }
            None => output::line(&format!("{}\n", deleted_text(turn.deleted)))?,
        }
    }
    Ok(())
}
