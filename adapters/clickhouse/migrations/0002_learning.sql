-- What was learned, as examples and as their sums. `posterior` holds no more than `observations` does: it is the sums
-- that a starting replica reads instead of every example.

-- One row for one example. Heads observed together share `x`, hence one outer product: `y` is in the order of `heads`.
CREATE TABLE IF NOT EXISTS observations
(
    ts                  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id         UUID,
    feature_space       LowCardinality(String),
    arm                 LowCardinality(String),
    heads               Array(LowCardinality(String)) CODEC(ZSTD(1)),
    x                   Array(Float64) CODEC(ZSTD(1)),
    y                   Array(Float64) CODEC(ZSTD(1)),
    weight              Float64,
    replica             LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (ts, decision_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The sums of one (feature space, heads, arm, replica) in one time bucket.
--   A  Σ w·x·xᵀ, the lower triangle packed by rows: d(d+1)/2 numbers
--   b  Σ w·y·x of each head, one head after the other: heads × d numbers
--   c  Σ w·y² of each head
--   n  Σ w          rows  the number of examples
-- After a day the buckets of a six-hour slot become one, dated at its start: by then the heads with narrow buckets have
-- forgotten, and six hours are 1/28 of the shortest half-life that has not.
CREATE TABLE IF NOT EXISTS posterior
(
    feature_space       LowCardinality(String),
    heads               Array(LowCardinality(String)),
    arm                 LowCardinality(String),
    replica             LowCardinality(String),
    slot                DateTime('UTC'),
    bucket              DateTime('UTC'),
    rows                SimpleAggregateFunction(sum, UInt64),
    n                   SimpleAggregateFunction(sum, Float64),
    A                   AggregateFunction(sumForEach, Array(Float64)) CODEC(ZSTD(1)),
    b                   AggregateFunction(sumForEach, Array(Float64)) CODEC(ZSTD(1)),
    c                   AggregateFunction(sumForEach, Array(Float64)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (feature_space, heads, arm, replica, slot, bucket)
TTL bucket + INTERVAL 1 DAY GROUP BY feature_space, heads, arm, replica, slot
    SET bucket = min(slot), rows = sum(rows), n = sum(n),
        A = sumForEachMergeState(A), b = sumForEachMergeState(b), c = sumForEachMergeState(c)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Bucket width follows the half-life: one hour for quality (14 d), one minute for success (5 min), five minutes for the
-- group of ttft, tpot and output tokens (15 min, 15 min, 7 d).
--
-- A row of A is a prefix of x times one number. Written with `x[i] * x[j]` instead, every lambda call copies x: 2 to 4
-- times the processor time and gigabytes of temporary columns for a batch of 5,000.
CREATE MATERIALIZED VIEW IF NOT EXISTS observations_to_posterior TO posterior AS
SELECT
    feature_space,
    heads,
    arm,
    replica,
    toDateTime(intDiv(toUnixTimestamp(ts), 21600) * 21600, 'UTC') AS slot,
    toDateTime(intDiv(toUnixTimestamp(ts), multiIf(has(heads, 'quality'), 3600, has(heads, 'success'), 60, 300) AS width) * width, 'UTC') AS bucket,
    count() AS rows,
    sum(weight) AS n,
    sumForEachState(arrayFlatten(arrayMap((v, i) -> arraySlice(x, 1, i) * (v * weight), x, arrayEnumerate(x)))) AS A,
    sumForEachState(arrayFlatten(arrayMap(v -> x * (v * weight), y))) AS b,
    sumForEachState(arrayMap(v -> v * v * weight, y)) AS c
FROM observations
GROUP BY feature_space, heads, arm, replica, slot, bucket;
