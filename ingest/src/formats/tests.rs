use super::*;
pub(super) fn check_invariants(_: &Document) {}
