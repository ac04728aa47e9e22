-- The history: when messages came to their states, in which conversation each stands, and what they say by its words.
--
-- What a message says can be removed; its row stays, for by it the message is known when it comes again. Nothing is kept twice:
-- the words are an index over the texts in their own tables (sqlite.org/fts5.html#external_content_tables).

ALTER TABLE outbox ADD COLUMN stored_ms INTEGER;                    -- when it was known that the registry keeps it
ALTER TABLE outbox ADD COLUMN ended_ms INTEGER;                     -- when its end was known; NULL also if that was before this column
ALTER TABLE outbox ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;   -- 1: its text is
CREATE INDEX outbox_history ON outbox (registry, sent_ms) WHERE removed = 0;
CREATE INDEX outbox_conversation ON outbox (registry, folded, sent_ms) WHERE removed = 0;

ALTER TABLE inbox ADD COLUMN registry INTEGER REFERENCES registry;  -- known with which
ALTER TABLE inbox ADD COLUMN folded TEXT;                           -- its conversation, as the outbox has it
ALTER TABLE inbox ADD COLUMN digest BLOB;                           -- of its text, once that is removed

-- What came before these columns belongs to whoever its sender is known as: by name if he has one, else by address.
UPDATE inbox SET
    registry = coalesce((SELECT min(room.registry) FROM room WHERE room.id = inbox.room), known.registry,
        (SELECT min(registry) FROM registry)),
    folded = CASE
        WHEN inbox.room IS NOT NULL THEN '#' || lower(inbox.hall)
        WHEN known.named THEN lower(inbox.name)
        ELSE coalesce(known.address, lower(inbox.name))
    END
FROM (
    SELECT sender.sender AS sender, min(pin.registry) AS registry, sum(pin.folded NOT LIKE '@%') > 0 AS named,
        min(pin.folded) AS address
    FROM sender LEFT JOIN pin USING (identity) GROUP BY sender.sender
) AS known
WHERE known.sender = inbox.sender;

CREATE INDEX inbox_history ON inbox (registry, received_ms) WHERE digest IS NULL;
CREATE INDEX inbox_conversation ON inbox (registry, folded, received_ms) WHERE digest IS NULL;

-- How long texts are is not kept: nothing is ranked. What is removed is overwritten
-- (sqlite.org/fts5.html#the_secure_delete_configuration_option).
CREATE VIRTUAL TABLE outbox_words USING fts5 (
    text, content = 'outbox', content_rowid = 'message', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO outbox_words (outbox_words, rank) VALUES ('secure-delete', 1);
INSERT INTO outbox_words (outbox_words) VALUES ('rebuild');
CREATE TRIGGER outbox_written AFTER INSERT ON outbox BEGIN
    INSERT INTO outbox_words (rowid, text) VALUES (new.message, new.text);
END;
CREATE TRIGGER outbox_removed AFTER UPDATE OF text ON outbox BEGIN
    INSERT INTO outbox_words (outbox_words, rowid, text) VALUES ('delete', old.message, old.text);
END;

CREATE VIRTUAL TABLE inbox_words USING fts5 (
    text, content = 'inbox', content_rowid = 'arrival', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO inbox_words (inbox_words, rank) VALUES ('secure-delete', 1);
INSERT INTO inbox_words (inbox_words) VALUES ('rebuild');
CREATE TRIGGER inbox_written AFTER INSERT ON inbox BEGIN
    INSERT INTO inbox_words (rowid, text) VALUES (new.arrival, new.text);
END;
CREATE TRIGGER inbox_removed AFTER UPDATE OF text ON inbox BEGIN
    INSERT INTO inbox_words (inbox_words, rowid, text) VALUES ('delete', old.arrival, old.text);
END;
