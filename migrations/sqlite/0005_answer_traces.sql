-- What it takes to make an answer again, JSON generation::Trace; NULL for answers of older versions.
ALTER TABLE answers ADD COLUMN trace TEXT;
