-- When syncs start by themselves, and when none may. Lists and objects are JSON text.

CREATE TABLE update_schedules (
  name TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  windows TEXT NOT NULL DEFAULT '[]',
  target_roles TEXT NOT NULL DEFAULT '[]',
  target_nodes TEXT NOT NULL DEFAULT '[]',
  target_labels TEXT NOT NULL DEFAULT '{}',
  options TEXT NOT NULL DEFAULT '{}',
  approval TEXT NOT NULL,
  on_window_close TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  version BIGINT NOT NULL,
  considered_at BIGINT NOT NULL,
  due_at BIGINT,
  outcome TEXT NOT NULL DEFAULT '',
  outcome_message TEXT NOT NULL DEFAULT '',
  outcome_at BIGINT,
  last_plan TEXT NOT NULL DEFAULT '',
  last_job TEXT NOT NULL DEFAULT '',
  updated_by TEXT NOT NULL DEFAULT '',
  updated_at BIGINT NOT NULL
);

CREATE TABLE freezes (
  id TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at BIGINT,
  roles TEXT NOT NULL DEFAULT '[]',
  nodes TEXT NOT NULL DEFAULT '[]',
  labels TEXT NOT NULL DEFAULT '{}',
  created_by TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  lifted_by TEXT NOT NULL DEFAULT '',
  lifted_at BIGINT
);
CREATE INDEX freezes_not_lifted ON freezes (starts_at) WHERE lifted_at IS NULL;
