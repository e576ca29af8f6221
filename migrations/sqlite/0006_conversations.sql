-- Conversations: questions that go on from each other.

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    title      TEXT NOT NULL,           -- the first question, or a name that a person gave
    collection TEXT,                    -- what is asked is asked of this collection only
    documents  TEXT NOT NULL,           -- JSON list: and of these documents only, where there are any
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversations_by_time ON conversations (updated_at, id);

-- A question of a conversation. Its answer is a row of `answers` while there is one: it goes when a
-- document goes whose text it holds, and the question, which a person typed, stays.
CREATE TABLE turns (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position        BIGINT NOT NULL,    -- from 1
    answer_id       TEXT NOT NULL UNIQUE,
    question        TEXT NOT NULL,      -- as typed
    lost_source     BOOLEAN NOT NULL DEFAULT FALSE,  -- its answer went with a document
    asked_at        BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, position)
);
