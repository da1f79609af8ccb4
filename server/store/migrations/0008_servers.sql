-- Several servers on one database: who runs a job, and since which claim (a stale one's writes are
-- refused by its number); and what only one of them does at a time.

ALTER TABLE sync_jobs ADD COLUMN lease_fence BIGINT NOT NULL DEFAULT 0;

-- What an operator wants of a job that another server runs; gone when that server has taken it in.
CREATE TABLE job_wishes (
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  node TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX job_wishes_job ON job_wishes (job_id);

CREATE TABLE server_leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  fence BIGINT NOT NULL,
  beat BIGINT NOT NULL
);
