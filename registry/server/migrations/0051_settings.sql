-- Settings of Harbor's API that were changed from what they are without it (kernel/settings/table.rs). Secrets are sealed.
CREATE TABLE settings (
    key        text PRIMARY KEY,
    value      jsonb       NOT NULL,
    updated_at timestamptz NOT NULL
);

-- While limits are switched off, slots are granted more than any limit (0021): nothing of that is left when the switch moves.
CREATE FUNCTION revoke_all_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE project_usage SET granted = least(used, 0) - 1;
    RETURN NULL;
END $$;
CREATE TRIGGER settings_revoke_usage AFTER INSERT OR UPDATE ON settings
    FOR EACH ROW WHEN (NEW.key = 'quota_per_project_enable') EXECUTE FUNCTION revoke_all_usage();
