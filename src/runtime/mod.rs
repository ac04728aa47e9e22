//! The only place with sockets, threads, clocks and signals.
