//! Dense indexes for real: one set of checks for all of them, then what each must bear by itself.
//!
//! The server's half runs against a server of ours that speaks Qdrant's protocol with Qdrant's
//! engine behind it, and against a real Qdrant where `LECTERN_TEST_QDRANT_URL` is set (and
//! `LECTERN_TEST_QDRANT_API_KEY`, if it asks for one).

mod conformance;
mod edge;
mod qdrant;
mod server;
