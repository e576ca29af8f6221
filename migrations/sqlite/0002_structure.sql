-- What layout-aware reading knows of a document beyond its text.

ALTER TABLE documents ADD COLUMN format TEXT NOT NULL DEFAULT 'pdf';      -- ingest::Format
-- Which version of the reader read it; older ones are read again when their file is ingested again.
ALTER TABLE documents ADD COLUMN reader BIGINT NOT NULL DEFAULT 1;
ALTER TABLE documents ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';     -- JSON ingest::Metadata
ALTER TABLE documents ADD COLUMN structure BLOB;    -- JSON catalog::Structure (outline, references), zlib
ALTER TABLE documents ADD COLUMN sketch BLOB;       -- ingest::similarity::Sketch, little-endian u32

-- Fonts, blocks, margins and source of a page: JSON, zlib.
ALTER TABLE pages ADD COLUMN layout BLOB;

-- Names under which a document is cited (DOI, arXiv id, title) and near-duplicates are found.
CREATE TABLE document_keys (
    key         TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    PRIMARY KEY (key, document_id)
);
CREATE INDEX document_keys_by_document ON document_keys (document_id);

-- The same names, as a document's reference list gives them.
CREATE TABLE reference_keys (
    key         TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,        -- in the list, from 0
    PRIMARY KEY (key, document_id, position)
);
CREATE INDEX reference_keys_by_document ON reference_keys (document_id);

-- Bands of sketches: documents that share one may hold much the same text.
CREATE TABLE sketch_bands (
    band        BIGINT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    PRIMARY KEY (band, document_id)
);
CREATE INDEX sketch_bands_by_document ON sketch_bands (document_id);
