-- Several servers on one database: who runs a job, and since which claim (a stale one's writes are
-- refused by its number); and what only one of them does at a time.

ALTER TABLE sync_jobs ADD COLUMN lease_fence BIGINT NOT NULL DEFAULT 0;

CREATE TABLE server_leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  fence BIGINT NOT NULL,
  beat BIGINT NOT NULL
);
