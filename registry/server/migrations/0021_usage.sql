-- What a project uses, as a sum of slots. A push adds to the slot of its connection, so pushes into one project do not
-- wait for one row. Each slot may use up what was granted to it without asking; the grants of all slots together never
-- pass the project's limit, so the limit is exact as well.
CREATE TABLE project_usage (
    project_id bigint   NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    slot       smallint NOT NULL,
    -- bytes; a slot alone may be negative, the sum is what the project uses
    used       bigint   NOT NULL,
    -- used may grow up to this
    granted    bigint   NOT NULL,
    PRIMARY KEY (project_id, slot)
) WITH (fillfactor = 50);

-- The slot of this connection.
CREATE FUNCTION usage_slot() RETURNS smallint LANGUAGE sql STABLE AS $$ SELECT (pg_backend_pid() % 16)::smallint $$;

-- project_blobs stays the truth; whoever changes it changes the sum.
CREATE FUNCTION add_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO project_usage AS u (project_id, slot, used, granted)
    SELECT c.project_id, usage_slot(), sum(c.size), -1 FROM changed c GROUP BY c.project_id ORDER BY c.project_id
    ON CONFLICT (project_id, slot) DO UPDATE SET used = u.used + excluded.used;
    RETURN NULL;
END $$;
CREATE TRIGGER project_blobs_added AFTER INSERT ON project_blobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION add_usage();

-- A project that goes takes its slots with it.
CREATE FUNCTION subtract_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO project_usage AS u (project_id, slot, used, granted)
    SELECT p.id, usage_slot(), -sum(c.size), -1 FROM changed c JOIN projects p ON p.id = c.project_id
    GROUP BY p.id ORDER BY p.id
    ON CONFLICT (project_id, slot) DO UPDATE SET used = u.used + excluded.used;
    RETURN NULL;
END $$;
CREATE TRIGGER project_blobs_removed AFTER DELETE ON project_blobs REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION subtract_usage();

-- Nothing is granted any more after a new limit, or the project's removal: the next push asks.
CREATE FUNCTION revoke_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE project_usage SET granted = least(used, 0) - 1 WHERE project_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER projects_revoke_usage AFTER UPDATE OF storage_limit, deleted_at ON projects
    FOR EACH ROW EXECUTE FUNCTION revoke_usage();

INSERT INTO project_usage (project_id, slot, used, granted)
SELECT project_id, 0, sum(size), -1 FROM project_blobs WHERE links > 0 GROUP BY project_id;
