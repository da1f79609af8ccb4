-- How commits are told of and looked for, and whose signature they need.
ALTER TABLE code_sources ADD COLUMN poll_seconds BIGINT NOT NULL DEFAULT 300;
ALTER TABLE code_sources ADD COLUMN polled_at BIGINT;
ALTER TABLE code_sources ADD COLUMN webhook_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE code_sources ADD COLUMN webhook_key TEXT NOT NULL DEFAULT '';
ALTER TABLE code_sources ADD COLUMN require_signed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE code_sources ADD COLUMN allowed_signers TEXT NOT NULL DEFAULT '';
ALTER TABLE code_sources ADD COLUMN gpg_keys TEXT NOT NULL DEFAULT '';

ALTER TABLE commits ADD COLUMN refused_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE commits ADD COLUMN refused_message TEXT NOT NULL DEFAULT '';

CREATE TABLE webhook_deliveries (
  source TEXT NOT NULL,
  delivery TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (source, delivery)
);
CREATE INDEX webhook_deliveries_seen ON webhook_deliveries (seen_at);
