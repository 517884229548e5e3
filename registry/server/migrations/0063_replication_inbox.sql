-- Events that policies wait for: written with the event, in the transaction that caused it, and taken away in the transaction
-- that begins the executions, so that none is lost and none counts twice.
CREATE TABLE replication_inbox (
    event_id bigint PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE
);

CREATE FUNCTION replication_note_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM replication_policies WHERE enabled AND trigger = 'event_based') THEN
        INSERT INTO replication_inbox (event_id) VALUES (new.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER replication_note_event AFTER INSERT ON events FOR EACH ROW
    WHEN (new.kind IN ('artifact.pushed', 'tag.created', 'artifact.deleted', 'tag.deleted', 'repository.deleted'))
    EXECUTE FUNCTION replication_note_event();
