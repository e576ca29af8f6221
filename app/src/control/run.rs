//! Carries out requests on a library.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::mpsc::UnboundedSender;

use super::{CollectionRecord, ConversationsRequest, Event, Request};
use crate::library::Library;

pub(super) type Events = UnboundedSender<Event>;

/// Carries out one request; what there is to say goes to `events`. Stops where nobody listens.
///
/// # Errors
/// Why the request as a whole failed; a file that fails is an event.
pub async fn run(library: Arc<Library>, request: Request, events: &Events) -> Result<()> {
    let say = |event| {
        // Whoever asked may have gone; there is nobody left to tell.
        let _ = events.send(event);
    };
    match request {
        Request::Ingest(request) => super::ingest::run(&library, request, events).await?,
        Request::Search(request) => say(Event::Search(library.search(&request).await?)),
        Request::Ask(request) => {
            let sender = events.clone();
            let answer = library
                .ask(&request, move |event| {
                    sender.send(Event::Asking(event)).is_ok()
                })
                .await?;
            say(Event::Answer(answer));
        }
        Request::Answers(request) => super::answers::run(&library, request, events).await?,
        Request::Feedback(request) => super::feedback::run(&library, request, events).await?,
        Request::Datasets(request) => super::datasets::run(&library, request, events).await?,
        Request::Comparisons(request) => {
            super::comparisons::run(&library, request, events).await?;
        }
        Request::Adapters(request) => super::adapters::run(&library, request, events).await?,
        Request::Evaluate(round) => {
            crate::eval::answers::ask(&library, &round, |judged| {
                events.send(Event::Judged(Box::new(judged))).is_ok()
            })
            .await?;
            say(Event::Evaluated);
        }
        Request::SelfEvaluate(request) => {
            let found = crate::eval::own::run(
                &library,
                &request,
                |count| say(Event::Asked(count)),
                |judged| events.send(Event::Judged(Box::new(judged.clone()))).is_ok(),
            )
            .await?;
            say(Event::SelfEvaluations(found.into_iter().collect()));
        }
        Request::SelfEvaluations(limit) => {
            let found = library.catalog.self_evaluations(limit).await?;
            say(Event::SelfEvaluations(found));
        }
        Request::Conversations(request) => conversations(&library, request, &say).await?,
        Request::Documents { collection } => {
            say(Event::Documents(
                library.catalog.documents(collection.as_deref()).await?,
            ));
        }
        Request::DocumentsAfter {
            collection,
            after,
            limit,
        } => {
            let catalog = &library.catalog;
            let found = catalog
                .documents_after(collection.as_deref(), after.as_ref(), limit)
                .await?;
            say(Event::Documents(found));
        }
        Request::Pages { id, first, last } => {
            let record = library.document(&id).await?;
            let texts = library.catalog.page_texts(&record.id, first, last).await?;
            say(Event::Pages(Box::new(record), texts));
        }
        Request::Document { id } => say(Event::Document(Box::new(library.details(&id).await?))),
        Request::Export {
            ids,
            collection,
            format,
        } => {
            super::export::run(&library, &ids, collection.as_deref(), format, &|part| {
                events.send(Event::Exported(part)).is_ok()
            })
            .await?;
            say(Event::ExportDone);
        }
        Request::DeleteDocuments { ids } => {
            // All are looked up before one is deleted: a typing error deletes nothing.
            let mut found = Vec::new();
            for id in &ids {
                found.push(library.document(id).await?.id);
            }
            for id in found {
                say(Event::Deleted(library.remove(&id).await?));
            }
        }
        Request::Collections => say(Event::Collections(collections(&library).await?)),
        Request::CreateCollection { name } => {
            library.create_collection(&name).await?;
            say(Event::Collections(collections(&library).await?));
        }
        Request::DeleteCollection { name, contents } => {
            library
                .delete_collection(&name, &contents, |record| say(Event::Deleted(record)))
                .await?;
            say(Event::Collections(collections(&library).await?));
        }
        Request::MoveDocuments { ids, to } => {
            say(Event::Moved(library.move_documents(&ids, &to).await?));
        }
        Request::Doctor => say(Event::Report(library.doctor().await?)),
        Request::Reindex => {
            library
                .reindex(&|done, total| {
                    let _ = events.send(Event::Indexing { done, total });
                })
                .await?;
            say(Event::Report(library.doctor().await?));
        }
    }
    Ok(())
}

async fn collections(library: &Library) -> Result<Vec<CollectionRecord>> {
    let found = library.catalog.collections().await?;
    Ok(found
        .into_iter()
        .map(|(name, documents)| CollectionRecord { name, documents })
        .collect())
}

async fn conversations(
    library: &Library,
    request: ConversationsRequest,
    say: &(dyn Fn(Event) + Sync),
) -> Result<()> {
    match request {
        ConversationsRequest::List { limit, cursor } => {
            let found = library.conversations(limit, cursor.as_deref()).await?;
            say(Event::Conversations(found));
        }
        ConversationsRequest::Show { id } => {
            let id = match id {
                Some(id) => id,
                None => library.last_conversation().await?.id,
            };
            let details = library.conversation_details(&id).await?;
            say(Event::Conversation(Box::new(details)));
        }
        ConversationsRequest::Rename { id, title } => {
            let renamed = library.rename_conversation(&id, &title).await?;
            say(Event::ConversationRenamed(renamed));
        }
        ConversationsRequest::Export { id, format } => {
            say(Event::Exported(
                library.export_conversation(&id, format).await?,
            ));
            say(Event::ExportDone);
        }
        ConversationsRequest::Delete { ids } => {
            // All are looked up before one is deleted: a typing error deletes nothing.
            let mut found = Vec::new();
            for id in &ids {
                found.push(library.conversation(id).await?.id);
            }
            for id in found {
                say(Event::ConversationDeleted(
                    library.delete_conversation(&id).await?,
                ));
            }
        }
    }
    Ok(())
}
