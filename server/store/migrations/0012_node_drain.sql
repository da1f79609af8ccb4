-- Why and since when a node is left out of plans.
ALTER TABLE nodes ADD COLUMN drained_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN drained_at BIGINT;
