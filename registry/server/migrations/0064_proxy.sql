-- Proxy caches: projects that stand before another registry.

-- Null: a project of its own. A registry that a project stands before cannot be deleted.
ALTER TABLE projects ADD COLUMN registry_id bigint REFERENCES registries (id);
CREATE INDEX projects_registry ON projects (registry_id) WHERE registry_id IS NOT NULL;

-- What a proxy cache is told to do rides in what is remembered of its project (0020_changes.sql).
CREATE TRIGGER projects_change_proxy AFTER UPDATE OF metadata, registry_id ON projects
    FOR EACH ROW WHEN (OLD.registry_id IS NOT NULL OR NEW.registry_id IS NOT NULL)
    EXECUTE FUNCTION notify_standing();

-- What the other registry last said of a tag: so that all processes together ask once in a while, and a manifest that is
-- then fetched by its digest gets the tag that it was asked for by. Nothing is lost with these rows but a question.
CREATE TABLE proxy_tags (
    project_id bigint      NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    repository text        NOT NULL COLLATE "C",
    tag        text        NOT NULL COLLATE "C",
    digest     text        NOT NULL COLLATE "C",
    media_type text        NOT NULL,
    size       bigint,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, repository, tag)
);
CREATE INDEX proxy_tags_age ON proxy_tags (checked_at);

-- Blobs that a process fetches at this moment, so that the others wait for it. A process that dies lets its row lapse.
CREATE TABLE proxy_downloads (
    project_id  bigint      NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    repository  text        NOT NULL COLLATE "C",
    digest      text        NOT NULL COLLATE "C",
    holder      uuid        NOT NULL,
    held_until  timestamptz NOT NULL,
    -- bytes, once the other registry has said it
    size        bigint,
    PRIMARY KEY (project_id, repository, digest)
);
