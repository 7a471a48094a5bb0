-- Experiments between policies: what was decided about each, and who took part in which variant.

-- Every step of every experiment, with all that is true of it from then on. Never changed: the newest step is the state. Of two
-- steps with the same number, taken by replicas at once, the first counts.
CREATE TABLE IF NOT EXISTS experiments
(
    ts                  DateTime64(3, 'UTC'),
    step_id             String,
    experiment          String,
    step                UInt32,
    -- created, changed, started, paused, resumed, stopped, archived, rerun, variant_stopped, reallocated, promoted
    action              LowCardinality(String),
    actor               String,
    reason              String CODEC(ZSTD(3)),
    -- JSON, whole.
    state               String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (experiment, step, ts, step_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Exposures: one row for each decision that a variant's policy made, failovers of the same request included.
CREATE TABLE IF NOT EXISTS assignments
(
    decision_ts         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    experiment          LowCardinality(String),
    -- Counts up when everyone is assigned anew.
    run                 UInt16,
    -- Counts up when the weights of the variants change.
    period              UInt16,
    variant             LowCardinality(String),
    -- 16 hexadecimal digits: a hash of what is assigned, under the experiment's seed.
    unit                String CODEC(ZSTD(1)),
    -- The first decision of its request.
    is_first            Bool,
    -- Of the variant, among the units that take part.
    probability         Float64 CODEC(ZSTD(1)),
    tenant              LowCardinality(String),
    request_class       LowCardinality(String),
    prompt_tokens       UInt32
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decision_ts)
ORDER BY (decision_ts, decision_id)
SETTINGS non_replicated_deduplication_window = 1000;
