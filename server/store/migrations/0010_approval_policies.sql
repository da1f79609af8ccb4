-- Which jobs wait for the approval of others. Lists and objects are JSON text; empty: all.

CREATE TABLE approval_policies (
  name TEXT PRIMARY KEY,
  roles TEXT NOT NULL DEFAULT '[]',
  labels TEXT NOT NULL DEFAULT '{}',
  approvals BIGINT NOT NULL,
  approvers TEXT NOT NULL DEFAULT '[]',
  version BIGINT NOT NULL,
  updated_by TEXT NOT NULL DEFAULT '',
  updated_at BIGINT NOT NULL
);
