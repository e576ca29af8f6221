-- Evaluations of adapters that are made in the background, so that a program that is stopped in the
-- middle of one makes it when it is started again.

-- JSON library::adapters::background::Begun; NULL where none is under way.
ALTER TABLE adapters ADD COLUMN evaluation_begun TEXT;
