-- The catalog: the truth from which both indexes can be rebuilt.
-- Times are milliseconds since 1970 (UTC). Lists and records are JSON.

CREATE TABLE collections (
    name       TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE documents (
    id         TEXT PRIMARY KEY,
    collection TEXT NOT NULL REFERENCES collections (name),
    sha256     TEXT NOT NULL,
    file       TEXT NOT NULL,           -- name as it was added
    source     TEXT,                    -- absolute path, where it was added from one
    status     TEXT NOT NULL,           -- ready | needs_ocr
    title      TEXT NOT NULL,
    authors    TEXT NOT NULL,           -- JSON list
    year       INTEGER,
    pages      BIGINT NOT NULL,
    chunks     BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    warnings   TEXT NOT NULL,           -- JSON list
    added_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX documents_by_content ON documents (collection, sha256);
CREATE INDEX documents_by_source ON documents (collection, source);

CREATE TABLE pages (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,        -- from 1
    width       DOUBLE PRECISION NOT NULL,
    height      DOUBLE PRECISION NOT NULL,
    text        TEXT NOT NULL,
    text_start  BIGINT NOT NULL,        -- first byte of the page in the document's text
    lines       BLOB NOT NULL,          -- JSON list of ingest::Line, zlib
    PRIMARY KEY (document_id, number)
);

CREATE TABLE chunks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,        -- from 0
    span_start  BIGINT NOT NULL,        -- bytes in the document's text
    span_end    BIGINT NOT NULL,
    first_page  BIGINT NOT NULL,
    last_page   BIGINT NOT NULL,
    section     TEXT,
    tokens      BIGINT NOT NULL,
    text        TEXT NOT NULL
);
CREATE UNIQUE INDEX chunks_by_document ON chunks (document_id, position);

-- What the indexes must catch up with. At most one row a document, its latest change; a row whose
-- document is gone is a deletion. AUTOINCREMENT: a number is never used twice.
CREATE TABLE changes (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id TEXT NOT NULL UNIQUE
);

CREATE TABLE jobs (
    id               TEXT PRIMARY KEY,
    state            TEXT NOT NULL,     -- queued | running | done | failed | cancelled
    file             TEXT NOT NULL,
    collection       TEXT NOT NULL,
    sha256           TEXT NOT NULL,     -- the uploaded blob
    result           TEXT,              -- JSON app::library::FileReport
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    attempts         BIGINT NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, created_at);

CREATE TABLE answers (
    id         TEXT PRIMARY KEY,
    question   TEXT NOT NULL,
    answer     TEXT NOT NULL,           -- JSON generation::Answer
    created_at BIGINT NOT NULL
);

-- Whose text an answer holds: it goes when one of them goes.
CREATE TABLE answer_documents (
    answer_id   TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    PRIMARY KEY (answer_id, document_id)
);
CREATE INDEX answer_documents_by_document ON answer_documents (document_id);
