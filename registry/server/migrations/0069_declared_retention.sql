-- What objects in Kubernetes declare: the zone of a schedule, runs that only tell, and which object it is.
ALTER TABLE retention_policies
    ADD COLUMN time_zone  text    NOT NULL DEFAULT 'UTC',
    -- do runs that the schedule starts only tell what they would delete?
    ADD COLUMN dry_run    boolean NOT NULL DEFAULT false,
    ADD COLUMN owner_mark jsonb;
CREATE INDEX retention_policies_owner_uid ON retention_policies ((owner_mark ->> 'uid')) WHERE owner_mark IS NOT NULL;
