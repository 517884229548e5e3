-- Vulnerabilities that are let pass in every project that has no list of its own; one row at most.
CREATE TABLE system_cve_allowlist (
    id         boolean PRIMARY KEY DEFAULT true CHECK (id),
    -- [{"cve_id": "CVE-2024-3094"}]
    items      jsonb       NOT NULL,
    -- seconds of the Unix epoch; null: the list does not end
    expires_at bigint,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
