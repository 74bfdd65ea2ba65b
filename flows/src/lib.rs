//! The flow language of Bellhop and its engine.
