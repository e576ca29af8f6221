-- Requests that a client named with a key, so that sending one again does nothing twice.
CREATE TABLE idempotency_keys (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,          -- SHA-256 of what was asked
    resource    TEXT NOT NULL,          -- id that what it makes has, chosen before it is made
    status      INTEGER,                -- of the response; NULL until it is known
    body        TEXT,                   -- of the response, JSON
    created_at  BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
