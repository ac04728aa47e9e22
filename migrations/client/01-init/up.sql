-- A client's database: what it sends, what it received, whom it knows.
--
-- Numbers that are unsigned 64-bit in the program (epoch, sequence, counter, run, version) are stored by their bits.
-- Identities and keys are 32 bytes, signatures 64, hashes and store ids 16.

-- How long this database has lived, and the wall clock when that was written.
CREATE TABLE life (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    age_ms  INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL
) STRICT;

-- The registries met, each by the key it proved. Names, pins and the outbox belong to one of them.
CREATE TABLE registry (
    registry INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    counter  INTEGER NOT NULL,          -- of our registrations there
    store_id BLOB,                      -- of its database, as last told
    run      INTEGER,                   -- the directory copy's version, if it is whole
    version  INTEGER
) STRICT;

-- Which registry answers where: its key is pinned to the address at first sight.
CREATE TABLE registry_address (
    address  TEXT PRIMARY KEY,
    registry INTEGER NOT NULL REFERENCES registry
) STRICT;

-- Names that were used, and whose they were then. A pin changes only when the user says so.
CREATE TABLE pin (
    registry  INTEGER NOT NULL REFERENCES registry,
    folded    TEXT NOT NULL,
    name      TEXT NOT NULL,
    identity  BLOB NOT NULL,
    key       BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (registry, folded)
) STRICT;

-- The directory as it was last told.
CREATE TABLE directory (
    registry  INTEGER NOT NULL REFERENCES registry,
    folded    TEXT NOT NULL,
    name      TEXT NOT NULL,
    identity  BLOB NOT NULL,
    key       BLOB NOT NULL,
    signature BLOB NOT NULL,
    observed  TEXT,                     -- NULL: offline
    private   TEXT NOT NULL,            -- addresses on his own network, separated by spaces
    since_ms  INTEGER NOT NULL,
    last_seen TEXT,                     -- the last address known, online or not
    stale     INTEGER NOT NULL,         -- 1: the registry does not tell of him any more
    PRIMARY KEY (registry, folded)
) STRICT;

-- Conversations as their sender numbers them: by folded name, those in rooms with a # before it.
CREATE TABLE conversation (
    registry INTEGER NOT NULL REFERENCES registry,
    folded   TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    next     INTEGER NOT NULL,          -- the next sequence
    PRIMARY KEY (registry, folded)
) STRICT;

-- Every message accepted here, in the order accepted.
CREATE TABLE outbox (
    message    INTEGER PRIMARY KEY AUTOINCREMENT,
    registry   INTEGER NOT NULL REFERENCES registry,
    folded     TEXT NOT NULL,
    name       TEXT NOT NULL,
    room       BLOB,                    -- which room of that name, if it is for one
    epoch      INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    text       TEXT NOT NULL,
    sent_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,        -- an age of this database
    state      INTEGER NOT NULL,        -- 0 waiting, 1 stored, 2 delivered, 3 refused, 4 expired, 5 reached some of a room
    reason     BLOB,                    -- of a refusal, or how many it reached, encoded
    told       INTEGER NOT NULL,        -- the last state that the user has seen
    deposited  INTEGER NOT NULL,        -- 1 once the registry may have it: from then on it judges the lifetime
    identity   BLOB,                    -- for whom it was sealed, once that is fixed
    key        BLOB,
    signature  BLOB,
    hash       BLOB,                    -- of the envelope, once final
    UNIQUE (epoch, sequence)
) STRICT;
CREATE INDEX outbox_unfinished ON outbox (registry, message) WHERE state < 2;
CREATE INDEX outbox_ended ON outbox (registry, message) WHERE state > 2;
CREATE INDEX outbox_untold ON outbox (registry, message) WHERE told <> state;

-- Rooms that this client is in, as far as it knows.
CREATE TABLE room (
    registry INTEGER NOT NULL REFERENCES registry,
    folded   TEXT NOT NULL,
    name     TEXT NOT NULL,
    id       BLOB NOT NULL,
    owner    TEXT,                      -- NULL: the registry's own
    PRIMARY KEY (registry, folded)
) STRICT;

-- Conversations as they are received: everything below `next` is in the inbox or skipped for good.
CREATE TABLE stream (
    sender INTEGER NOT NULL REFERENCES sender,
    epoch  INTEGER NOT NULL,
    next   INTEGER NOT NULL,
    shown  INTEGER,                     -- the highest sequence shown
    PRIMARY KEY (sender, epoch)
) STRICT;

-- Identities that messages came from, each once: an inbox row need not repeat the key.
CREATE TABLE sender (
    sender   INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE
) STRICT;

-- Every message received, in the order committed.
CREATE TABLE inbox (
    arrival     INTEGER PRIMARY KEY AUTOINCREMENT,
    sender      INTEGER NOT NULL REFERENCES sender,
    epoch       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    name        TEXT NOT NULL,
    text        TEXT NOT NULL,
    sent_ms     INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    stored      INTEGER NOT NULL,       -- 1: it came out of the mailbox
    room        BLOB,                   -- in which room it was posted, if it was
    hall        TEXT,                   -- what that is called
    shown       INTEGER NOT NULL,
    UNIQUE (sender, epoch, sequence)
) STRICT;
CREATE INDEX inbox_unshown ON inbox (arrival) WHERE shown = 0;
-- Whether a message is there under another number is looked for by when it was written.
CREATE INDEX inbox_written ON inbox (sender, sent_ms);

-- Other numbers of messages in the inbox: their sender's database was an older copy, and has numbered them anew.
CREATE TABLE inbox_again (
    sender   INTEGER NOT NULL REFERENCES sender,
    epoch    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    arrival  INTEGER NOT NULL REFERENCES inbox,
    PRIMARY KEY (sender, epoch, sequence),
    UNIQUE (arrival, epoch)
) STRICT;
