-- Questions made of the library's own sentences, kept so that the same ones are asked after each
-- change, and what the answers were worth each time.

CREATE TABLE own_questions (
    id          TEXT PRIMARY KEY,        -- chunk and place of the sentence
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    question    TEXT NOT NULL,
    answer      TEXT NOT NULL,           -- the sentence
    created_at  BIGINT NOT NULL
);
CREATE INDEX own_questions_by_document ON own_questions (document_id);

-- No text of documents in here: figures by id of question.
CREATE TABLE self_evaluations (
    id         TEXT PRIMARY KEY,
    record     TEXT NOT NULL,            -- JSON eval::own::SelfEvaluation
    created_at BIGINT NOT NULL
);
CREATE INDEX self_evaluations_by_time ON self_evaluations (created_at, id);
