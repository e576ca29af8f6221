mod builder;
mod invariants;
mod structure;
