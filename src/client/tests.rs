//! The client engine against its rules: a real store in memory, sessions that only exist on paper.
//!
//! Every test says what goes in and asserts exactly what comes out, on both sides of every deadline.

mod acquaintance;
mod addressed;
mod blocking;
mod crowds;
mod direct;
mod driver;
mod entering;
mod full_disk;
mod full_registry;
mod handling;
mod history;
mod input_ended;
mod inquiring;
mod leaving;
mod listed;
mod looking_up;
mod marking;
mod meeting;
mod net;
mod order;
mod others;
mod our_time;
mod paging;
mod people;
mod posts;
mod put_off;
mod receiving;
mod registering;
mod renewing;
mod restarts;
mod rooms;
mod silence;
mod status;
mod stored;
mod telling;
mod trace;
mod transcript;
mod trust;
mod unanswered;
mod users;
