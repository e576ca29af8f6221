//! x
pub(crate) fn infer(_: &crate::extract::Info, _: &[crate::Page]) -> crate::Metadata { crate::Metadata::default() }
