//! What a reranker is trained with: lists of passages that a search found for a question ([`lists`]),
//! a BERT that gradients go through ([`encoder`]), and what is learnt of a list ([`loss`]).
//!
//! The model is not to rank by itself. It adds to the ranking of the search, whose scores come with
//! the lists: passages are ordered by `scale * score + logit`. Before training all logits are zero, so
//! training begins at the ranking that there is (hybrid search and late interaction, MaxSim) and can
//! only learn where that one errs. `scale` is fitted first, by [`loss::fit_scale`].

pub mod encoder;
pub mod lists;
pub mod loss;
