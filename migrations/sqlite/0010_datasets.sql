-- Datasets that were prepared for training: files in a folder, and here what they hold text of.

CREATE TABLE datasets (
    name       TEXT PRIMARY KEY,
    folder     TEXT NOT NULL,           -- absolute
    sha256     TEXT NOT NULL,           -- of its files as they are now
    card       TEXT NOT NULL,           -- JSON finetune::data::Card
    changed    INTEGER NOT NULL,        -- 1 where examples were taken out, as documents were deleted
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Whose text its files hold. A row of a deleted document stays until its text is out of the files, so
-- that a kill in between loses nothing.
CREATE TABLE dataset_documents (
    dataset     TEXT NOT NULL REFERENCES datasets (name) ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    deleted     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (dataset, document_id)
);
CREATE INDEX dataset_documents_by_document ON dataset_documents (document_id);
CREATE INDEX dataset_documents_deleted ON dataset_documents (dataset) WHERE deleted = 1;
