UPDATE thing SET word = 'half done';
ALTER TABLE nothing ADD COLUMN colour TEXT;
