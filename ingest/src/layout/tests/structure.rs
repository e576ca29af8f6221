//! What pages of many kinds are made into.
