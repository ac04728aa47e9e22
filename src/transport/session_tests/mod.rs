//! Tests of the session as a whole.
//!
//! What only the joined parts can show: `delivery` on bad networks, `talk` of little, `bounds` against greed and
//! attack, and `room` for what has come.
//! Invariant: everything follows from a seed.

mod bounds;
mod delivery;
mod lab;
mod room;
mod talk;
