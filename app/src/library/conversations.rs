//! Conversations as people use them: listed, opened, renamed, deleted, written out.
//!
//! A conversation begins with its first answer ([`super::ask`] makes it) or empty, through
//! [`Library::begin_conversation`]. It keeps what it is asked of: a collection, or documents.

mod export;

pub use export::deleted_text;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Library;
use super::search::{QUESTION_CHARACTERS, collection_not_found};
use crate::catalog::{Conversation, Turn};
use crate::error::{Fault, Problem};
use crate::paging::Page;

/// The id under which a new conversation is asked for.
pub const NEW: &str = "new";

/// Shortest start of an id that stands for it.
const SHORTEST_START: usize = 8;

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConversationList {
    /// The one asked in last first.
    pub conversations: Vec<Conversation>,
    /// What to ask for the next page with; `None` on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A conversation with its turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConversationDetails {
    /// What the list says of it.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Questions and answers, oldest first.
    pub messages: Vec<Turn>,
}

impl Library {
    /// Conversations, a page at a time.
    ///
    /// # Errors
    /// A problem `limit_invalid` or `cursor_invalid`.
    pub async fn conversations(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<ConversationList> {
        let page = Page::<(i64, String)>::read("conversations", limit, cursor)?;
        let after = page.after.as_ref().map(|(time, id)| (*time, id.as_str()));
        let found = self.catalog.conversations(page.wanted(), after).await?;
        let (found, next_cursor) =
            page.cut(found, |(found, updated_at)| (*updated_at, found.id.clone()));
        Ok(ConversationList {
            conversations: found.into_iter().map(|(found, _)| found).collect(),
            next_cursor,
        })
    }

    /// A conversation by its id, or by a start of it that only one has.
    ///
    /// # Errors
    /// A problem `conversation_not_found` or `conversation_ambiguous`.
    pub async fn conversation(&self, id: &str) -> Result<Conversation> {
        if let Some(found) = self.catalog.conversation(id).await? {
            return Ok(found);
        }
        let is_start =
            id.len() >= SHORTEST_START && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let mut matching = match is_start {
            true => self.catalog.conversations_starting(id).await?,
            false => Vec::new(),
        };
        match matching.len() {
            1 => Ok(matching.swap_remove(0)),
            0 => Err(not_found(id).into()),
            _ => Err(Problem::new(
                Fault::Usage,
                "conversation_ambiguous",
                format!("several conversations have ids that begin with {id:?}"),
                "give the whole id, as `lectern conversations list` shows it",
            )
            .into()),
        }
    }

    /// A conversation with its turns.
    ///
    /// # Errors
    /// A problem `conversation_not_found` or `conversation_ambiguous`.
    pub async fn conversation_details(&self, id: &str) -> Result<ConversationDetails> {
        let conversation = self.conversation(id).await?;
        let messages = self.catalog.turns(&conversation.id, usize::MAX).await?;
        Ok(ConversationDetails {
            conversation,
            messages,
        })
    }

    /// The conversation that was asked in last.
    ///
    /// # Errors
    /// A problem `conversation_not_found` where there is none.
    pub async fn last_conversation(&self) -> Result<Conversation> {
        let found = self.catalog.conversations(1, None).await?;
        let last = found.into_iter().next().map(|(found, _)| found);
        last.ok_or_else(|| {
            Problem::new(
                Fault::NotFound,
                "conversation_not_found",
                "there is no conversation yet",
                "`lectern chat` begins one",
            )
            .into()
        })
    }

    /// Begins a conversation that is about a collection or documents, or about everything.
    ///
    /// # Errors
    /// A problem where the collection or a document is not there, or the title too long.
    pub async fn begin_conversation(
        &self,
        title: Option<&str>,
        collection: Option<&str>,
        documents: &[String],
    ) -> Result<Conversation> {
        let title = match title {
            Some(title) => checked_title(title)?,
            None => String::new(),
        };
        let documents = self.scope(collection, documents).await?;
        let id = uuid::Uuid::now_v7().to_string();
        self.catalog
            .add_conversation(&id, &title, collection, &documents)
            .await?;
        self.conversation(&id).await
    }

    /// Ids of the documents that a conversation is to be about; that they and the collection are
    /// there is checked.
    pub(super) async fn scope(
        &self,
        collection: Option<&str>,
        documents: &[String],
    ) -> Result<Vec<String>> {
        if let Some(name) = collection
            && !self.catalog.has_collection(name).await?
        {
            return Err(collection_not_found(name).into());
        }
        let mut ids = Vec::with_capacity(documents.len());
        for name in documents {
            let id = self.document(name).await?.id;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Gives a conversation another title.
    ///
    /// # Errors
    /// A problem `conversation_not_found` or `title_invalid`.
    pub async fn rename_conversation(&self, id: &str, title: &str) -> Result<Conversation> {
        let title = checked_title(title)?;
        let found = self.conversation(id).await?;
        self.catalog.rename_conversation(&found.id, &title).await?;
        self.conversation(&found.id).await
    }

    /// Deletes a conversation with its questions and answers. Returns what was deleted.
    ///
    /// # Errors
    /// A problem `conversation_not_found`.
    pub async fn delete_conversation(&self, id: &str) -> Result<Conversation> {
        let found = self.conversation(id).await?;
        match self.catalog.delete_conversation(&found.id).await? {
            true => Ok(found),
            false => Err(not_found(id).into()),
        }
    }
}

fn checked_title(title: &str) -> Result<String, Problem> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = title.chars().count();
    if title.is_empty() || length > QUESTION_CHARACTERS || title.chars().any(char::is_control) {
        return Err(Problem::new(
            Fault::Usage,
            "title_invalid",
            "the title is empty, too long, or holds characters that cannot be shown",
            format!("give a title of 1 to {QUESTION_CHARACTERS} characters"),
        ));
    }
    Ok(title)
}

fn not_found(id: &str) -> Problem {
    let shown: String = id.chars().take(60).collect();
    Problem::new(
        Fault::NotFound,
        "conversation_not_found",
        format!("there is no conversation {shown:?}"),
        "`lectern conversations list` shows the ids; `lectern chat` begins one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_folded_and_checked() {
        assert_eq!(checked_title("  a \n b ").unwrap(), "a b");
        for title in ["", "  ", "a\u{1b}[31m"] {
            assert_eq!(checked_title(title).unwrap_err().code, "title_invalid");
        }
    }
}
