-- A node's credentials besides the one in use (nodes.credential_hash): the one that a rotation or
-- a new join made and nobody has used yet (pending), and those that ended, with the reason that
-- their bearer is told. They outlive their node, so that an old machine never passes for a new one.

CREATE TABLE node_credentials (
  hash TEXT PRIMARY KEY,
  node TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX node_credentials_of_node ON node_credentials (node);

ALTER TABLE nodes ADD COLUMN credential_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN rotation_requested_at BIGINT;
ALTER TABLE nodes ADD COLUMN revoked_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE join_tokens ADD COLUMN rejoin BIGINT NOT NULL DEFAULT 0;
