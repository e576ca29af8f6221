//! What a paper says as a whole, section by section, in its own sentences: chosen by
//! [`generation::summary`], each cited. No search and no model take part.

use anyhow::Result;
use generation::Origin;
use generation::parts::{Asked, Composer};
use generation::summary::{self, Length, Section};
use retrieval::{Hit, Passage, Scores};

use super::about::{Scope, Told, headed};
use crate::catalog::DocumentRecord;
use crate::library::{Library, blocking};

/// Sentences of each of several papers.
const OF_SEVERAL: Length = Length {
    sentences: 4,
    per_section: 2,
};

impl Library {
    /// Summarises the papers of `scope`: one by its sections, several with a part each.
    pub(super) async fn summarise(&self, scope: Scope, asked: Asked) -> Result<Told> {
        let mut composer = Composer::default();
        let mut warnings = Vec::new();
        let is_one = scope.papers.len() == 1;
        for paper in &scope.papers {
            let length = match is_one {
                true => Length::default(),
                false => OF_SEVERAL,
            };
            let (passages, sections) = self.sections(paper, length).await?;
            if sections.is_empty() && !is_one {
                warnings.push(format!("{} has no text to summarise", paper.file));
                continue;
            }
            if !is_one {
                composer.begin(&headed(paper), Some(&paper.id), None);
            }
            for section in sections {
                if is_one {
                    composer.begin(&section.heading, Some(&paper.id), None);
                }
                for (passage, range) in section.sentences {
                    composer.quote(&passages[passage], range);
                }
            }
        }
        let answered = match (composer.has_no_quotes(), scope.papers.as_slice()) {
            (false, _) => composer.finish(asked, Origin::Extractive),
            (true, [paper]) => {
                let why = format!("{} has no running text to summarise.", paper.file);
                Composer::nothing(asked, Origin::Extractive, &why)
            }
            (true, _) => Composer::nothing(
                asked,
                Origin::Extractive,
                "None of the papers has running text to summarise.",
            ),
        };
        Ok(Told { answered, warnings })
    }

    async fn sections(
        &self,
        paper: &DocumentRecord,
        length: Length,
    ) -> Result<(Vec<Passage>, Vec<Section>)> {
        let hits: Vec<Hit> = self
            .catalog
            .chunk_ids(&paper.id)
            .await?
            .into_iter()
            .map(|chunk_id| Hit {
                chunk_id,
                score: 0.0,
                scores: Scores::default(),
            })
            .collect();
        let passages = self.catalog.passages(&hits, 1).await?;
        let abstract_text = paper
            .metadata
            .abstract_text
            .as_ref()
            .map(|field| field.value.clone());
        blocking(move || {
            let sections = summary::summarise(&passages, abstract_text.as_deref(), length);
            Ok((passages, sections))
        })
        .await
    }
}
