-- A set of indexes is a generation: built for one embedder and one way of cutting documents. While
-- a new one is being built the old one answers.

-- Which cut of its document a chunk belongs to: index_generations.chunking.
ALTER TABLE chunks ADD COLUMN chunking BIGINT NOT NULL DEFAULT 0;
DROP INDEX chunks_by_document;
CREATE UNIQUE INDEX chunks_by_document ON chunks (document_id, chunking, position);
CREATE INDEX chunks_by_chunking ON chunks (chunking);

CREATE TABLE index_generations (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    state    TEXT NOT NULL UNIQUE,      -- active | building
    spec     TEXT NOT NULL,             -- JSON catalog::IndexSpec
    chunking BIGINT NOT NULL
);

-- Hash of the texts that a document's vectors were computed from.
CREATE TABLE embedded (
    generation  BIGINT NOT NULL REFERENCES index_generations (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    digest      BLOB NOT NULL,
    PRIMARY KEY (generation, document_id)
);
CREATE INDEX embedded_by_document ON embedded (document_id);
