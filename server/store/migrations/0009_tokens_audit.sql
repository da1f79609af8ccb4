-- What tokens are good for, when they were used last, and by whom they were revoked. Empty lists:
-- all roles, all nodes.

ALTER TABLE tokens ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tokens ADD COLUMN nodes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tokens ADD COLUMN last_used_at BIGINT;
ALTER TABLE tokens ADD COLUMN revoked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE join_tokens ADD COLUMN revoked_at BIGINT;

-- The right to write commands into roles was part of admin and is one of its own now: who had it
-- keeps it.
UPDATE tokens SET scopes = replace(scopes, '"admin"', '"admin","role:command"')
  WHERE scopes LIKE '%"admin"%' AND scopes NOT LIKE '%"role:command"%';

-- Where the audit log begins and ends, so that lines missing at an end are noticed too. What lies
-- before the beginning was forgotten on purpose, and first_previous_hash is the hash of its last.
CREATE TABLE audit_ends (
  one BIGINT NOT NULL PRIMARY KEY,
  first_sequence BIGINT NOT NULL,
  first_previous_hash TEXT NOT NULL,
  last_sequence BIGINT NOT NULL,
  last_hash TEXT NOT NULL
);
INSERT INTO audit_ends (one, first_sequence, first_previous_hash, last_sequence, last_hash)
  SELECT 1, 1, '', COALESCE(MAX(sequence), 0),
    COALESCE((SELECT hash FROM audit_log ORDER BY sequence DESC LIMIT 1), '') FROM audit_log;

CREATE INDEX sync_tasks_created ON sync_tasks (created_at);
