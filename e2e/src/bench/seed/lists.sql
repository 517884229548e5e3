-- 10,000 projects; in the project `lists` 10,000 repositories, one of them with 10,000 artifacts of one tag, one with
-- an artifact of 10,000 tags; in every other project 9 repositories, so that no list is most of its table; 1,000,000 rows
-- of the audit log.
INSERT INTO projects (name, owner_id, public, created_at, updated_at)
SELECT CASE n WHEN 1 THEN 'lists' ELSE 'lists-' || n END, u.id, false, now() - n * interval '1 minute', now()
FROM users u, generate_series(1, 10000) AS n WHERE u.username = 'admin';

INSERT INTO repositories (project_id, name, created_at, updated_at, pushed_at)
SELECT p.id, CASE n WHEN 1 THEN 'lists/artifacts' WHEN 2 THEN 'lists/tags' ELSE 'lists/app-' || n END,
       now() - n * interval '1 minute', now(), now()
FROM projects p, generate_series(1, 10000) AS n WHERE p.name = 'lists';

INSERT INTO repositories (project_id, name, created_at, updated_at, pushed_at)
SELECT p.id, p.name || '/app-' || n, now(), now(), now()
FROM projects p, generate_series(1, 9) AS n WHERE p.name LIKE 'lists-%';

-- One artifact in each repository, 10,000 in `lists/artifacts`.
INSERT INTO manifests (repository_id, digest, media_type, config_digest, config_media_type, is_index, annotations, config,
                       bytes, content_size, push_time)
SELECT r.id, 'sha256:' || encode(sha256(convert_to(r.id || '/' || n, 'UTF8')), 'hex'),
       'application/vnd.oci.image.manifest.v1+json',
       'sha256:' || encode(sha256(convert_to('config ' || r.id || '/' || n, 'UTF8')), 'hex'),
       'application/vnd.oci.image.config.v1+json', false, '{"org.opencontainers.image.version": "1"}',
       '{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/app"]}}',
       convert_to(rpad('{"schemaVersion":2}', 1000), 'UTF8'), 61440, now() - n * interval '1 second'
FROM repositories r,
     generate_series(1, CASE r.name WHEN 'lists/artifacts' THEN 10000 ELSE 1 END) AS n;

INSERT INTO manifest_references (manifest_id, position, kind, digest)
SELECT m.id, 0, 'config', m.config_digest FROM manifests m;
INSERT INTO manifest_references (manifest_id, position, kind, digest)
SELECT m.id, n, 'layer', 'sha256:' || encode(sha256(convert_to(m.id || ' ' || n, 'UTF8')), 'hex')
FROM manifests m, generate_series(1, 3) AS n;

INSERT INTO tags (repository_id, name, manifest_id, push_time)
SELECT m.repository_id, 'v' || CASE r.name WHEN 'lists/artifacts' THEN m.id::text WHEN 'lists/tags' THEN n::text ELSE '1' END,
       m.id, m.push_time
FROM manifests m JOIN repositories r ON r.id = m.repository_id,
     generate_series(1, CASE r.name WHEN 'lists/tags' THEN 10000 ELSE 1 END) AS n;

INSERT INTO audit_log (project_id, username, client_ip, user_agent, resource, resource_type, operation, description, op_time)
SELECT CASE WHEN n % 10 = 0 THEN p.first ELSE p.first + n % 10000 END, 'robot-' || n % 50, '192.0.2.1', 'docker/27.0',
       'lists/app-' || n % 10000 || ':v1', 'artifact', CASE WHEN n % 4 = 0 THEN 'create' ELSE 'pull' END, '',
       now() - n * interval '2 seconds'
FROM generate_series(1, 1000000) AS n, (SELECT id AS first FROM projects WHERE name = 'lists') AS p;

VACUUM (ANALYZE) projects, repositories, manifests, manifest_references, tags, audit_log;
