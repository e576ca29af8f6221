-- What people said of answers, and question-answer pairs that were imported, with all that training
-- needs of them. A row outlives its answer, and goes with any document whose text it holds.

CREATE TABLE feedback (
    id           TEXT PRIMARY KEY,
    answer_id    TEXT,                  -- of `answers`, where it is still there; NULL where imported
    source       TEXT NOT NULL,         -- answer, dataset, chatgpt
    state        TEXT NOT NULL,         -- pending, approved, rejected, withdrawn
    question     TEXT NOT NULL,
    answer       TEXT NOT NULL,         -- the words as they were given, or as they were imported
    opinion      TEXT NOT NULL,         -- JSON catalog::Opinion: what was said of it
    edited       TEXT,                  -- the text of a reviewer, which is learnt in place of all other
    context      TEXT NOT NULL,         -- JSON catalog::FeedbackContext: prompt, evidence, citations, model
    content_hash TEXT,                  -- SHA-256 of what is learnt; NULL where there is nothing to learn
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX feedback_by_time ON feedback (created_at, id);
CREATE INDEX feedback_by_state ON feedback (state, created_at, id);
CREATE INDEX feedback_by_answer ON feedback (answer_id);
CREATE INDEX feedback_by_content ON feedback (content_hash);

-- Whose text a row holds.
CREATE TABLE feedback_documents (
    feedback_id TEXT NOT NULL REFERENCES feedback (id) ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    PRIMARY KEY (feedback_id, document_id)
);
CREATE INDEX feedback_documents_by_document ON feedback_documents (document_id);

-- Who did what to it, in order.
CREATE TABLE feedback_history (
    feedback_id TEXT NOT NULL REFERENCES feedback (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,        -- from 1
    at          BIGINT NOT NULL,
    done_by     TEXT NOT NULL,
    action      TEXT NOT NULL,          -- given, imported, edited, rewritten, approved, rejected, withdrawn
    note        TEXT,
    PRIMARY KEY (feedback_id, position)
);
