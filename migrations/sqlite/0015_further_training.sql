-- Adapters that are the further training of another.

-- The other's id, which may be gone or be that of the adapter that comes with Lectern; NULL where it was
-- begun anew.
ALTER TABLE adapters ADD COLUMN started_from TEXT;
