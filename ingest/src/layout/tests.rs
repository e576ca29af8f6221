mod builder;
mod headings;
mod invariants;
mod margins;
mod structure;
