-- The tables of the first version. One statement ends at a line that ends with ';'.
-- Times are milliseconds since 1970 UTC, booleans 0 or 1, JSON is text.

CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  credential_hash TEXT NOT NULL UNIQUE,
  boot_id TEXT NOT NULL DEFAULT '',
  agent_version TEXT NOT NULL DEFAULT '',
  os_info TEXT NOT NULL DEFAULT '{}',
  labels TEXT NOT NULL DEFAULT '{}',
  role_report TEXT NOT NULL DEFAULT '{}',
  listening_ports TEXT NOT NULL DEFAULT '[]',
  plugins TEXT NOT NULL DEFAULT '[]',
  role_versions TEXT NOT NULL DEFAULT '{}',
  draining BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT,
  revoked_at BIGINT,
  assignment_version BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE role_overrides (
  role TEXT PRIMARY KEY,
  fields TEXT NOT NULL,
  custom BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL DEFAULT ''
);

CREATE TABLE node_roles (
  node TEXT NOT NULL REFERENCES nodes (id),
  role TEXT NOT NULL,
  assigned_at BIGINT NOT NULL,
  assigned_by TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (node, role)
);

CREATE TABLE code_sources (
  name TEXT PRIMARY KEY,
  node_id TEXT NOT NULL DEFAULT '',
  transport TEXT NOT NULL,
  repository TEXT NOT NULL,
  branch TEXT NOT NULL,
  hook_key TEXT NOT NULL DEFAULT '',
  head_commit TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'new',
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  fetched_at BIGINT
);

CREATE TABLE commits (
  source TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  parents TEXT NOT NULL DEFAULT '[]',
  author TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  committed_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  affected_roles TEXT,
  PRIMARY KEY (source, commit_id),
  UNIQUE (source, position)
);

CREATE TABLE notify_nonces (
  source TEXT NOT NULL,
  nonce TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (source, nonce)
);
CREATE INDEX notify_nonces_seen ON notify_nonces (seen_at);

CREATE TABLE contents (
  id TEXT PRIMARY KEY,
  files BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE role_contents (
  source TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  role TEXT NOT NULL,
  role_revision TEXT NOT NULL,
  content_id TEXT NOT NULL REFERENCES contents (id),
  PRIMARY KEY (source, commit_id, role, role_revision)
);
CREATE INDEX role_contents_content ON role_contents (content_id);

CREATE TABLE releases (
  id BIGINT NOT NULL PRIMARY KEY,
  node TEXT NOT NULL REFERENCES nodes (id),
  role TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT '',
  commit_id TEXT NOT NULL,
  content_id TEXT NOT NULL,
  role_revision TEXT NOT NULL,
  role_snapshot TEXT NOT NULL DEFAULT '{}',
  task_id TEXT NOT NULL DEFAULT '',
  current BIGINT NOT NULL,
  activated_at BIGINT NOT NULL,
  verified_at BIGINT
);
CREATE INDEX releases_of_role ON releases (node, role, id);
CREATE UNIQUE INDEX releases_current ON releases (node, role) WHERE current = 1;

CREATE TABLE plans (
  hash TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  request TEXT NOT NULL DEFAULT '{}',
  created_by TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL
);

CREATE TABLE sync_jobs (
  id TEXT PRIMARY KEY,
  plan_hash TEXT NOT NULL REFERENCES plans (hash),
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  options TEXT NOT NULL DEFAULT '{}',
  progress TEXT NOT NULL DEFAULT '{}',
  requested_by TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT
);
CREATE INDEX sync_jobs_created ON sync_jobs (created_at);
CREATE INDEX sync_jobs_unfinished ON sync_jobs (created_at) WHERE finished_at IS NULL;

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  plan_hash TEXT NOT NULL REFERENCES plans (hash),
  job_id TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  comment TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  approved_at BIGINT NOT NULL
);
CREATE INDEX approvals_of_job ON approvals (job_id);

CREATE TABLE sync_tasks (
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES sync_jobs (id),
  node TEXT NOT NULL,
  role TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  step TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  restart_pending BIGINT NOT NULL DEFAULT 0,
  fence BIGINT NOT NULL DEFAULT 0,
  position BIGINT NOT NULL DEFAULT 0,
  source TEXT NOT NULL DEFAULT '',
  commit_id TEXT NOT NULL DEFAULT '',
  content_id TEXT NOT NULL DEFAULT '',
  role_revision TEXT NOT NULL DEFAULT '',
  from_commit TEXT NOT NULL DEFAULT '',
  from_content_id TEXT NOT NULL DEFAULT '',
  task TEXT NOT NULL DEFAULT '{}',
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT
);
CREATE INDEX sync_tasks_of_job ON sync_tasks (job_id, position);
CREATE INDEX sync_tasks_open ON sync_tasks (node) WHERE finished_at IS NULL;

CREATE TABLE task_events (
  task_id TEXT NOT NULL REFERENCES sync_tasks (id),
  sequence BIGINT NOT NULL,
  fence BIGINT NOT NULL DEFAULT 0,
  boot_id TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  step TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  output TEXT NOT NULL DEFAULT '',
  restart_pending BIGINT NOT NULL DEFAULT 0,
  details TEXT NOT NULL DEFAULT '{}',
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  PRIMARY KEY (task_id, sequence)
);

CREATE TABLE fences (
  node TEXT NOT NULL,
  role TEXT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (node, role)
);

CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  node TEXT NOT NULL REFERENCES nodes (id),
  kind TEXT NOT NULL,
  boot_id TEXT NOT NULL DEFAULT '',
  task_id TEXT NOT NULL DEFAULT '',
  fence BIGINT NOT NULL DEFAULT 0,
  payload TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL DEFAULT 'open',
  request_id TEXT NOT NULL DEFAULT '',
  position BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  acknowledged_at BIGINT
);
CREATE INDEX commands_open ON commands (node, position) WHERE state = 'open';
CREATE INDEX commands_of_task ON commands (task_id);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_by TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE join_tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  node_id TEXT NOT NULL,
  created_by TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);

CREATE TABLE idempotency_keys (
  principal TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (principal, idempotency_key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

CREATE TABLE audit_log (
  sequence BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL DEFAULT '',
  details TEXT NOT NULL DEFAULT '{}',
  request_id TEXT NOT NULL DEFAULT '',
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);

CREATE TABLE events (
  sequence BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  node TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL DEFAULT '',
  job TEXT NOT NULL DEFAULT '',
  task TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  data TEXT NOT NULL DEFAULT '{}',
  request_id TEXT NOT NULL DEFAULT ''
);
CREATE TABLE event_position (
  one BIGINT NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
);
INSERT INTO event_position (one, last) VALUES (1, 0);
