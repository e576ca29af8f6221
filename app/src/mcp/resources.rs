//! Documents as resources: `lectern://documents/ID`, each as Markdown.

use rmcp::RoleServer;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use rmcp::service::RequestContext;

use super::Lectern;
use crate::catalog::{DocumentRecord, Place};
use crate::control::{Event, ExportFormat, Request};
use crate::error::{Fault, Problem};
use crate::paging::Page;

const START: &str = "lectern://documents/";
const MARKDOWN: &str = "text/markdown";

/// How documents are addressed.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(format!("{START}{{id}}"), "document")
        .with_title("A paper")
        .with_description(
            "The text of a document as Markdown; the id is one that list_documents gives.",
        )
        .with_mime_type(MARKDOWN);
    ListResourceTemplatesResult::with_all_items(vec![template])
}

impl Lectern {
    /// A part of the list of documents.
    pub(super) async fn resources(
        &self,
        cursor: Option<&str>,
        context: &RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, Problem> {
        let page = Page::<Place>::read("documents", None, cursor)?;
        let request = Request::DocumentsAfter {
            collection: None,
            after: page.after.clone(),
            limit: page.wanted(),
        };
        let found = self
            .single(request, context, |event| match event {
                Event::Documents(documents) => Some(documents),
                _ => None,
            })
            .await?;
        let (documents, next_cursor) = page.cut(found, DocumentRecord::place);
        let mut list =
            ListResourcesResult::with_all_items(documents.iter().map(resource).collect());
        list.next_cursor = next_cursor;
        Ok(list)
    }

    /// A document as Markdown.
    pub(super) async fn resource(
        &self,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<ReadResourceResult, Problem> {
        let id = uri.strip_prefix(START).filter(|id| !id.is_empty());
        let Some(id) = id else {
            return Err(Problem::new(
                Fault::NotFound,
                "document_not_found",
                format!("{uri:?} is no resource of Lectern"),
                format!("resources are {START}ID"),
            ));
        };
        let request = Request::Export {
            ids: vec![id.to_owned()],
            collection: None,
            format: ExportFormat::Markdown,
        };
        let mut text = String::new();
        self.single(request, context, |event| match event {
            Event::Exported(part) => {
                text.push_str(&part);
                None
            }
            Event::ExportDone => Some(()),
            _ => None,
        })
        .await?;
        let contents = ResourceContents::text(text, uri).with_mime_type(MARKDOWN);
        Ok(ReadResourceResult::new(vec![contents]))
    }
}

fn resource(document: &DocumentRecord) -> Resource {
    let year = document
        .year
        .map_or_else(String::new, |year| format!(" ({year})"));
    Resource::new(format!("{START}{}", document.id), document.file.clone())
        .with_title(document.title.clone())
        .with_description(format!("{}{year}", document.authors.join(", ")).trim())
        .with_mime_type(MARKDOWN)
}
