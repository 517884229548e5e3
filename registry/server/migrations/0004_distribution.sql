-- What the distribution API needs beyond 0001.

-- The request that writes to an upload holds it until claimed_until and renews that while bytes come in; a
-- process that dies lets it lapse. finishing is the digest that a closing request named: if that request
-- died between the store and the database, the job that expires uploads finds the finished object by it.
ALTER TABLE uploads
    ADD COLUMN claimed_until timestamptz,
    ADD COLUMN finishing     text COLLATE "C";

-- When the first manifest arrived. Null: so far only blobs, and nobody is shown such a repository.
ALTER TABLE repositories ADD COLUMN pushed_at timestamptz;

-- Does the link count in project_blobs? It does from its upload or mount on; the removal of the last
-- manifest that referred to the blob stops the count at once, although the link stays through the grace
-- period for clients that have just been told that the blob is there.
ALTER TABLE repository_blobs ADD COLUMN counted boolean NOT NULL DEFAULT true;

-- How many pushes may be under way that were told that the blob is there: raised by each upload, mount and
-- HEAD, lowered by each manifest that arrives and refers to it. While it is above zero, the removal of
-- manifests does not shorten the lease.
ALTER TABLE repository_blobs ADD COLUMN leases integer NOT NULL DEFAULT 1 CHECK (leases >= 0);

-- Objects of the blob store that no row of blobs names any more: written in the transaction that took the
-- row away, deleted when the store has confirmed the removal. A key is never used twice, so a blob that is
-- pushed again meanwhile is another object.
CREATE TABLE doomed_objects (
    storage_key text COLLATE "C" PRIMARY KEY,
    digest      text        NOT NULL COLLATE "C",
    size        bigint      NOT NULL,
    doomed_at   timestamptz NOT NULL
);
