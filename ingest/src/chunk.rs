//! later
/// c
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkConfig {
    /// m
    pub max_tokens: usize,
    /// o
    pub overlap_tokens: usize,
}
