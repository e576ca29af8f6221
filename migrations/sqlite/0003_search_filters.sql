-- What a search is restricted by, so that no document's metadata has to be parsed for it.

ALTER TABLE documents ADD COLUMN venue TEXT;        -- journal or conference, as the paper has it
-- Which version of the rules filled author_words and venue; older rows are filled again at opening.
ALTER TABLE documents ADD COLUMN filter_rules BIGINT NOT NULL DEFAULT 0;

-- The words of authors' names: lower case, without accents, initials left out.
CREATE TABLE author_words (
    word        TEXT NOT NULL,
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    PRIMARY KEY (word, document_id)
);
CREATE INDEX author_words_by_document ON author_words (document_id);

CREATE INDEX documents_by_year ON documents (year);
CREATE INDEX documents_by_file ON documents (file);
