//! SQLite behind the roles: one database each, one worker, group commit.
