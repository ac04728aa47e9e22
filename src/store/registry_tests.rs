//! Tests of the registry's database: repetition, conflict, order, savepoints, reopening.
