-- Restarts, starts and stops of one role on one node that belong to no sync.

CREATE TABLE role_actions (
  id TEXT PRIMARY KEY,
  node TEXT NOT NULL,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  state TEXT NOT NULL,
  step TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  fence BIGINT NOT NULL,
  sequence BIGINT NOT NULL DEFAULT -1,
  requested_by TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT
);
CREATE INDEX role_actions_created ON role_actions (created_at);
CREATE INDEX role_actions_open ON role_actions (node, role) WHERE finished_at IS NULL;
