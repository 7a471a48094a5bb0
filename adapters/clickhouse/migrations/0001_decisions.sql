-- What was decided, what was called, what came back: three logs joined by the decision's id.
--
-- Every key leads with `decision_ts`, the 48-bit millisecond time inside the decision's UUIDv7: ClickHouse compares UUID
-- columns by halves, so an id alone would not sort by time, and a lookup by id would read every granule.

CREATE TABLE IF NOT EXISTS decisions
(
    decision_ts         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    ts                  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    replica             LowCardinality(String),
    request_id          String CODEC(ZSTD(1)),
    -- All zeros: the first decision of its request.
    parent_id           UUID,
    tenant              LowCardinality(String),
    session             String CODEC(ZSTD(1)),
    requested_model     LowCardinality(String),
    surface             LowCardinality(String),
    stream              Bool,
    prompt_tokens       UInt32,
    metadata            Map(LowCardinality(String), String) CODEC(ZSTD(1)),

    feature_space       LowCardinality(String),
    x                   Array(Float64) CODEC(ZSTD(1)),
    request_class       LowCardinality(String),
    -- JSON of the policy's name and settings.
    policy              LowCardinality(String),
    rate_per_usd        Float64,
    rate_per_second     Float64,
    rate_per_failure    Float64,
    explore             Bool,
    floor               Float64,
    salt                LowCardinality(String),

    eligible            Array(LowCardinality(String)) CODEC(ZSTD(1)),
    -- In the order of `eligible`.
    probabilities       Array(Float64) CODEC(ZSTD(1)),
    -- 13 numbers for each arm of `eligible`, one arm after the other: mean and sd of quality, mean and sd of cost (USD),
    -- ttft (ms), tpot (ms), output tokens, then mean and sd of latency (ms), of success and of utility.
    estimates           Array(Float64) CODEC(ZSTD(1)),
    excluded_arms       Array(LowCardinality(String)) CODEC(ZSTD(1)),
    excluded_reasons    Array(LowCardinality(String)) CODEC(ZSTD(1)),
    excluded_details    Array(String) CODEC(ZSTD(1)),

    arm                 LowCardinality(String),
    propensity          Float64,

    estimated_quality   Array(Float64) ALIAS arrayMap(i -> estimates[13 * i - 12], arrayEnumerate(eligible)),
    estimated_cost_usd  Array(Float64) ALIAS arrayMap(i -> estimates[13 * i - 10], arrayEnumerate(eligible)),
    estimated_latency_ms Array(Float64) ALIAS arrayMap(i -> estimates[13 * i - 5], arrayEnumerate(eligible)),
    estimated_utility   Array(Float64) ALIAS arrayMap(i -> estimates[13 * i - 1], arrayEnumerate(eligible))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decision_ts)
ORDER BY (decision_ts, decision_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS attempts
(
    decision_ts         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    ts                  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    arm                 LowCardinality(String),
    attempt             UInt16,
    status              LowCardinality(String),
    upstream_status     Nullable(UInt16),
    error_code          LowCardinality(String),
    error_message       String CODEC(ZSTD(1)),
    finish_reason       LowCardinality(String),
    ttft_ms             Nullable(Float64) CODEC(ZSTD(1)),
    total_ms            Float64 CODEC(ZSTD(1)),
    prompt_tokens       Nullable(UInt32),
    cached_tokens       Nullable(UInt32),
    completion_tokens   Nullable(UInt32),
    reasoning_tokens    Nullable(UInt32),
    cost_usd            Nullable(Float64) CODEC(ZSTD(1)),
    usage_estimated     Bool
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decision_ts)
ORDER BY (decision_ts, decision_id, attempt)
SETTINGS non_replicated_deduplication_window = 1000;

-- Synced to the disk before an insert is confirmed: a feedback that was acknowledged survives a power failure.
CREATE TABLE IF NOT EXISTS rewards
(
    decision_ts         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    reward_id           String CODEC(ZSTD(1)),
    ts                  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    metric              LowCardinality(String),
    value_number        Nullable(Float64),
    value_text          String CODEC(ZSTD(1)),
    source              LowCardinality(String),
    idempotency_key     String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(decision_ts)
ORDER BY (decision_ts, decision_id, reward_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
