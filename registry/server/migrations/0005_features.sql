-- What the management API needs beyond 0001.

-- Vulnerabilities that are let pass in a project: {items: [{cve_id}], expires_at?}.
ALTER TABLE projects ADD COLUMN cve_allowlist jsonb NOT NULL DEFAULT '{"items": []}';

-- Projects by the object that declares them.
CREATE INDEX projects_owner_uid ON projects ((owner_mark ->> 'uid')) WHERE deleted_at IS NULL AND owner_mark IS NOT NULL;

-- Lists of artifacts: what stands on its own (no referrers), and the indexes whose children do not.
CREATE INDEX manifests_listed ON manifests (repository_id) WHERE subject_digest IS NULL;
CREATE INDEX manifests_indexes ON manifests (repository_id) WHERE is_index;
