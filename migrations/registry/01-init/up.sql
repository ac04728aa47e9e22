-- The registry's database: who has which name, and the mail of those who are away.
-- Unsigned 64-bit numbers are stored by their bits: equality holds, order does not.

-- One row about the database itself.
CREATE TABLE registry (
    only     INTEGER PRIMARY KEY CHECK (only = 0),
    store_id BLOB    NOT NULL CHECK (length(store_id) = 16), -- random: drawn when made or restored
    age_ms   INTEGER NOT NULL,                               -- lifetimes of mail end on this clock
    saved_at INTEGER NOT NULL                                -- wall clock (Unix ms) when age_ms was recorded
) STRICT;

-- Names and their owners. An identity has one name; names that differ only in case are one name.
CREATE TABLE member (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    folded    TEXT    NOT NULL UNIQUE,
    identity  BLOB    NOT NULL UNIQUE CHECK (length(identity) = 32),
    key       BLOB    NOT NULL CHECK (length(key) = 32),
    signature BLOB    NOT NULL CHECK (length(signature) = 64),
    counter   INTEGER NOT NULL                               -- of registrations, by its bits
) STRICT;

-- Whom members have written to: mail from these has its own half of the mailbox.
CREATE TABLE contact (
    writer INTEGER NOT NULL REFERENCES member (id),
    reader INTEGER NOT NULL REFERENCES member (id),
    PRIMARY KEY (writer, reader)
) STRICT, WITHOUT ROWID;

-- Rooms. One that has ended is gone; what was posted there and had not ended yet ends after it.
CREATE TABLE room (
    id     INTEGER PRIMARY KEY,
    public BLOB    NOT NULL UNIQUE CHECK (length(public) = 16), -- what clients call it: random
    name   TEXT    NOT NULL,
    folded TEXT    NOT NULL UNIQUE,
    owner  INTEGER REFERENCES member (id),                   -- NULL: the registry's own
    head   INTEGER NOT NULL,                                 -- the number of the last post; the first is 1
    posts  INTEGER NOT NULL DEFAULT 0,                       -- that have not ended
    bytes  INTEGER NOT NULL DEFAULT 0                        -- of those, as their rows in mail have it
) STRICT;
CREATE INDEX room_owner ON room (owner);

-- Of the posts in rooms that have not ended, each author's; also of those who have left, and of rooms that have ended.
CREATE TABLE authored (
    room   INTEGER NOT NULL,
    author INTEGER NOT NULL,
    posts  INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (room, author)
) STRICT, WITHOUT ROWID;

-- Who is in which room, and up to which post he has everything, or never will.
CREATE TABLE membership (
    room   INTEGER NOT NULL REFERENCES room (id),
    member INTEGER NOT NULL REFERENCES member (id),
    cursor INTEGER NOT NULL,
    PRIMARY KEY (room, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_member ON membership (member, room);
CREATE INDEX membership_cursor ON membership (room, cursor);

-- A message that waits for its recipient, or for members of a room (outcome NULL), then, in place, how it ended, until its
-- sender has committed that. Without REFERENCES: members are never deleted, and this is the table written most.
CREATE TABLE mail (
    id         INTEGER PRIMARY KEY,                          -- the order of deposits
    recipient  INTEGER,                                      -- NULL: it was posted to a room
    room       INTEGER,
    number     INTEGER,                                      -- in the room: from 1, without gaps
    due        INTEGER,                                      -- how many members it was for
    sender     INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,                             -- by its bits
    sequence   INTEGER NOT NULL,                             -- by its bits
    hash       BLOB    NOT NULL CHECK (length(hash) = 16),   -- of the envelope
    floor      INTEGER NOT NULL,                             -- by its bits
    envelope   BLOB,                                         -- dropped with the outcome
    size       INTEGER NOT NULL,                             -- envelope bytes, counted in quotas while it waits
    expires_ms INTEGER NOT NULL,                             -- the age at which the message, or its outcome, ends
    outcome    BLOB,                                         -- an encoded End (PROTOCOL §5)
    UNIQUE (sender, epoch, sequence),
    CHECK ((envelope IS NULL) = (outcome IS NOT NULL)),
    CHECK ((recipient IS NULL) = (room IS NOT NULL AND number IS NOT NULL AND due IS NOT NULL))
) STRICT;
CREATE INDEX mail_waiting ON mail (recipient, id) WHERE outcome IS NULL AND recipient IS NOT NULL;
CREATE INDEX mail_posted ON mail (room, number, sender) WHERE outcome IS NULL AND room IS NOT NULL;
CREATE INDEX mail_authored ON mail (room, sender, number) WHERE outcome IS NULL AND room IS NOT NULL;
CREATE INDEX mail_ended ON mail (sender, id) WHERE outcome IS NOT NULL;
CREATE INDEX mail_expiry ON mail (expires_ms);

-- Who has left without what: of the posts of a room that have not ended, and the next that comes, how many more members have
-- left without this one than without the one before it. All up to a post are those who have left without it; whoever leaves
-- changes two rows and not each post that he has not.
CREATE TABLE lost (
    room    INTEGER NOT NULL,
    number  INTEGER NOT NULL,                                -- of the post
    members INTEGER NOT NULL,                                -- negative where others have left later
    PRIMARY KEY (room, number)
) STRICT, WITHOUT ROWID;
