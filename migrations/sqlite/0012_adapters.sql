-- Adapters of the answerer: what they were trained on, how they fared, and which of them answers.
-- Their files are in the data folder, under the SHA-256 of what is in them.

CREATE TABLE adapters (
    id                TEXT PRIMARY KEY,    -- the first digits of `sha256`
    sha256            TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,       -- of the run's folder, or of the folder that it was in
    run               TEXT,                -- the run's folder, absolute; NULL where it came from elsewhere
    base              TEXT NOT NULL,       -- JSON catalog::AdapterBase: the model that it changes
    dataset           TEXT,                -- JSON catalog::AdapterDataset; NULL where it is not known
    rank              BIGINT NOT NULL,
    parameters        BIGINT NOT NULL,
    state             TEXT NOT NULL,       -- candidate, in_service, retired
    deleted_documents BIGINT NOT NULL,     -- how many of the documents that it learnt from are gone
    evaluation        TEXT,                -- JSON library::adapters::Evaluation: the last
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX adapters_in_service ON adapters (state) WHERE state = 'in_service';

-- Whose text it learnt from, as far as it is still there.
CREATE TABLE adapter_documents (
    adapter_id  TEXT NOT NULL REFERENCES adapters (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    PRIMARY KEY (adapter_id, document_id)
);
CREATE INDEX adapter_documents_by_document ON adapter_documents (document_id);

-- The feedback that it learnt from.
CREATE TABLE adapter_feedback (
    adapter_id  TEXT NOT NULL REFERENCES adapters (id) ON DELETE CASCADE,
    feedback_id TEXT NOT NULL,
    PRIMARY KEY (adapter_id, feedback_id)
);

-- What answered when, in order. It outlives the adapters.
CREATE TABLE adapter_history (
    position   INTEGER PRIMARY KEY,
    at         BIGINT NOT NULL,
    done_by    TEXT NOT NULL,
    action     TEXT NOT NULL,              -- promoted, forced, rolled_back
    adapter_id TEXT,                       -- that answers from then on; NULL for none of these
    before_id  TEXT,                       -- that answered until then; NULL for none of these
    note       TEXT                        -- why
);
