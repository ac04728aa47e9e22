//! What is in the repository, read as text: the sources in `tidy`, the documents in `documents`.
//!
//! Invariant: what is told of a fault is where it is and what is expected there.

mod documents;
mod tidy;
