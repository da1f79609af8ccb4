-- Where each node stands in a job's rollout (JSON, see server/rollout/rollout_options.hpp).

ALTER TABLE sync_jobs ADD COLUMN placement TEXT NOT NULL DEFAULT '';
