-- A repository with a manifest and a tag for each row of seed (tag, digest, bytes).
INSERT INTO repositories (project_id, name, created_at, updated_at, pushed_at)
SELECT id, :'repository', now(), now(), now() FROM projects WHERE name = :'project';

INSERT INTO manifests (repository_id, digest, media_type, is_index, bytes, content_size, push_time)
SELECT r.id, s.digest, 'application/vnd.oci.image.manifest.v1+json', false, s.bytes, 61440, now()
FROM seed s, repositories r WHERE r.name = :'repository';

INSERT INTO tags (repository_id, name, manifest_id, push_time)
SELECT m.repository_id, s.tag, m.id, now()
FROM seed s JOIN repositories r ON r.name = :'repository'
JOIN manifests m ON m.repository_id = r.id AND m.digest = s.digest;

VACUUM (ANALYZE) repositories, manifests, tags;
