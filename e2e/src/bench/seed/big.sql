-- 1,000,000 manifests with a tag each, in 100 repositories of the project `big`. Their digests are not those of
-- their bytes: nobody reads them.
INSERT INTO projects (name, owner_id, public, created_at, updated_at)
SELECT 'big', id, false, now(), now() FROM users WHERE username = 'admin';

INSERT INTO repositories (project_id, name, created_at, updated_at, pushed_at)
SELECT p.id, 'big/app-' || n, now(), now(), now()
FROM projects p, generate_series(1, 100) AS n WHERE p.name = 'big';

INSERT INTO manifests (repository_id, digest, media_type, is_index, bytes, content_size, push_time)
SELECT r.id, 'sha256:' || encode(sha256(convert_to(r.id || '/' || n, 'UTF8')), 'hex'),
       'application/vnd.oci.image.manifest.v1+json', false,
       convert_to(rpad('{"schemaVersion":2}', 1000), 'UTF8'), 61440, now() - n * interval '1 second'
FROM repositories r, generate_series(1, 10000) AS n WHERE r.name LIKE 'big/%';

INSERT INTO tags (repository_id, name, manifest_id, push_time)
SELECT m.repository_id, 'v' || m.id, m.id, m.push_time
FROM manifests m JOIN repositories r ON r.id = m.repository_id WHERE r.name LIKE 'big/%';

VACUUM (ANALYZE) projects, repositories, manifests, tags;
