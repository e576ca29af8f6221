-- What an answer depends on beyond its trace: versions, model file, index, settings, passages. JSON
-- catalog::Provenance; NULL for answers of older versions.
ALTER TABLE answers ADD COLUMN provenance TEXT;
