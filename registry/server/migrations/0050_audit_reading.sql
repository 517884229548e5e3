-- Reading the audit log, newest first, at any size: each exact condition of a request is the start of an index that
-- goes on in the order of the answer.
CREATE INDEX audit_log_project_time ON audit_log (project_id, op_time DESC, id DESC);
CREATE INDEX audit_log_username ON audit_log (username, op_time DESC, id DESC);
CREATE INDEX audit_log_operation ON audit_log (operation, op_time DESC, id DESC);
CREATE INDEX audit_log_type ON audit_log (resource_type, op_time DESC, id DESC);
-- Resources may be longer than an entry of a B-tree.
CREATE INDEX audit_log_resource ON audit_log ((md5(resource)::uuid), op_time DESC, id DESC);
CREATE INDEX audit_log_failures ON audit_log (op_time DESC, id DESC) WHERE NOT success;
-- Its successor stands above.
DROP INDEX audit_log_project;
