-- One object belongs to one digest. `verify` and the search for unknown objects walk along the keys.
CREATE UNIQUE INDEX blobs_storage_key ON blobs (storage_key COLLATE "C");
