//! Tests of the session as a whole.
//!
//! What only the joined parts can show: `delivery` on bad networks, `talk` of little, and `bounds` against greed and attack.
//! Invariant: everything follows from a seed.

mod bounds;
mod delivery;
mod lab;
mod talk;
