-- What the user thinks of people: whose key he has compared, and whom he does not want to hear.

-- 1: he has compared the key; another key under that name begins at 0.
ALTER TABLE pin ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;

-- Identities whose messages are not shown, whatever they are called and at whatever registry.
CREATE TABLE blocked (
    identity   BLOB PRIMARY KEY,
    name       TEXT NOT NULL,           -- what he was called then
    blocked_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
