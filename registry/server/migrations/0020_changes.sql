-- What a serve process remembers of the database (kernel/coherence) must be forgotten when it changes, in every
-- process, whoever changes it: so the tables tell it themselves, in the transaction that changes them.
--   standing                            who somebody is, or what he may do
--   content                             more than can be listed
--   manifest PROJECT REPOSITORY REF     a tag or digest that meant something else until now
--   blob PROJECT REPOSITORY DIGEST      a link that is gone
-- Nothing is remembered of what does not exist, so insertions are silent; a push of a new tag notifies nobody.

CREATE FUNCTION notify_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('slipway_changes', 'standing');
    RETURN NULL;
END $$;

CREATE TRIGGER projects_change_standing AFTER UPDATE OF name, public, deleted_at OR DELETE ON projects
    FOR EACH STATEMENT EXECUTE FUNCTION notify_standing();
CREATE TRIGGER users_change_standing AFTER UPDATE OF username, password_hash, sysadmin, deleted_at OR DELETE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION notify_standing();
CREATE TRIGGER project_members_change_standing AFTER INSERT OR UPDATE OR DELETE ON project_members
    FOR EACH STATEMENT EXECUTE FUNCTION notify_standing();
CREATE TRIGGER robots_change_standing AFTER UPDATE OR DELETE ON robots
    FOR EACH STATEMENT EXECUTE FUNCTION notify_standing();

CREATE FUNCTION notify_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('slipway_changes', 'content');
    RETURN NULL;
END $$;

-- What goes with its repository's row cannot be named any more.
CREATE TRIGGER repositories_change_content AFTER UPDATE OF name, project_id OR DELETE ON repositories
    FOR EACH ROW EXECUTE FUNCTION notify_content();

CREATE FUNCTION notify_tag_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('slipway_changes', concat_ws(' ', 'manifest', r.project_id, r.name, OLD.name))
    FROM repositories r WHERE r.id = OLD.repository_id;
    RETURN NULL;
END $$;

CREATE TRIGGER tags_moved AFTER UPDATE OF manifest_id, name, repository_id ON tags
    FOR EACH ROW WHEN ((OLD.manifest_id, OLD.name, OLD.repository_id) IS DISTINCT FROM (NEW.manifest_id, NEW.name, NEW.repository_id)) EXECUTE FUNCTION notify_tag_moved();

-- Above a hundred rows of one statement it is cheaper to forget everything than to hear each of them.
CREATE FUNCTION notify_tags_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('slipway_changes', change)
    FROM (SELECT CASE WHEN count(*) OVER () > 100 THEN 'content'
                      ELSE concat_ws(' ', 'manifest', r.project_id, r.name, gone.name) END
          FROM gone JOIN repositories r ON r.id = gone.repository_id) AS changes (change)
    GROUP BY change;
    RETURN NULL;
END $$;

CREATE TRIGGER tags_gone AFTER DELETE ON tags REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION notify_tags_gone();

-- The same for what is named by its digest; the argument is the word of the notification.
CREATE FUNCTION notify_digests_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('slipway_changes', change)
    FROM (SELECT CASE WHEN count(*) OVER () > 100 THEN 'content'
                      ELSE concat_ws(' ', TG_ARGV[0], r.project_id, r.name, gone.digest) END
          FROM gone JOIN repositories r ON r.id = gone.repository_id) AS changes (change)
    GROUP BY change;
    RETURN NULL;
END $$;

CREATE TRIGGER manifests_gone AFTER DELETE ON manifests REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION notify_digests_gone('manifest');
CREATE TRIGGER repository_blobs_gone AFTER DELETE ON repository_blobs REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION notify_digests_gone('blob');
