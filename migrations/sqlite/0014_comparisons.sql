-- Two models beside each other on the same questions, and which answer people preferred without
-- knowing whose it was.

CREATE TABLE comparisons (
    id         TEXT PRIMARY KEY,
    models     TEXT NOT NULL,            -- JSON: the two, an adapter's id or "base"
    dataset    TEXT NOT NULL,
    wanted     BIGINT NOT NULL,          -- questions that both are to be asked
    same       BIGINT NOT NULL,          -- questions that both answered in the same words
    finished   INTEGER NOT NULL,         -- 1 when all were asked
    failed     TEXT,                     -- why not all were
    created_at BIGINT NOT NULL
);

CREATE TABLE comparison_pairs (
    comparison TEXT NOT NULL REFERENCES comparisons (id) ON DELETE CASCADE,
    position   BIGINT NOT NULL,          -- from 1
    question   TEXT NOT NULL,
    expected   TEXT NOT NULL,
    notes      TEXT NOT NULL,            -- JSON: the numbered notes that both were given
    answers    TEXT NOT NULL,            -- JSON: of the first model and of the second
    swapped    INTEGER NOT NULL,         -- 1 where the second model's is shown first
    vote       TEXT,                     -- first, second (of the models) or tie
    voted_by   TEXT,
    voted_at   BIGINT,
    PRIMARY KEY (comparison, position)
);

-- Whose text a pair holds: it goes with it.
CREATE TABLE comparison_documents (
    comparison  TEXT NOT NULL,
    position    BIGINT NOT NULL,
    document_id TEXT NOT NULL,
    PRIMARY KEY (comparison, position, document_id),
    FOREIGN KEY (comparison, position) REFERENCES comparison_pairs (comparison, position) ON DELETE CASCADE
);
CREATE INDEX comparison_documents_by_document ON comparison_documents (document_id);
