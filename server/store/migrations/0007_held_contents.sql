-- Contents that broke a rollout: left out of later automatic runs until somebody lets them go.

CREATE TABLE held_contents (
  role TEXT NOT NULL,
  content_id TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  job_id TEXT NOT NULL,
  held_at BIGINT NOT NULL,
  PRIMARY KEY (role, content_id)
);
