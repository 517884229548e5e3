-- Facts that the processes must remember between starts, one row each:
--   admin_password: the argon2id hash of the declared password that was applied last, so that a password changed
--   through the API stays until the declared one changes.
CREATE TABLE kernel_state (
    key        text PRIMARY KEY,
    value      text        NOT NULL,
    updated_at timestamptz NOT NULL
);

-- A refresh token is void once the credential that it was given for has changed (kernel/token.rs, fingerprint).
ALTER TABLE refresh_tokens ADD COLUMN credential text;
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
