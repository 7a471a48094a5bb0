-- Who a decision was about, and what was asked: both only where the configuration or the caller says so.

-- Hex of a hash of tenant and the `user` of the request; empty where there was none. What a person's rows are found by, to
-- be erased.
ALTER TABLE decisions ADD COLUMN IF NOT EXISTS user_hash String CODEC(ZSTD(1));

-- The text of requests, redacted; for 30 days, unless the configuration says otherwise. A table of its own: it is kept for less long, by fewer, and is larger than all the rest.
CREATE TABLE IF NOT EXISTS prompts
(
    decision_ts         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    tenant              LowCardinality(String),
    -- JSON: [{ "role": …, "text": … }, …], the latest messages, as far as they fit.
    messages            String CODEC(ZSTD(3)),
    truncated           Bool,
    -- How many places were redacted.
    redactions          UInt32
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decision_ts)
ORDER BY (decision_ts, decision_id)
TTL toDateTime(decision_ts) + toIntervalDay(30)
SETTINGS non_replicated_deduplication_window = 1000;
