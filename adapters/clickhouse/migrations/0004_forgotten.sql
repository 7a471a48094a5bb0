-- What is no longer believed: an arm has changed, and what one of its heads knew from before `since` says nothing of it any
-- more. Readers leave the examples before the latest `since` of (arm, head) out, so that all replicas, and whoever
-- starts later, forget the same.
--
-- `stored` is the server's time. A notice counts from the earlier of the two: a clock that is ahead would otherwise make all
-- replicas forget what they see until then.
CREATE TABLE IF NOT EXISTS forgotten
(
    feature_space       LowCardinality(String),
    arm                 LowCardinality(String),
    head                LowCardinality(String),
    since               DateTime64(3, 'UTC'),
    -- Who noticed.
    replica             LowCardinality(String),
    stored              SimpleAggregateFunction(min, DateTime64(3, 'UTC')) DEFAULT now64(3, 'UTC')
)
ENGINE = AggregatingMergeTree
ORDER BY (feature_space, arm, head, since, replica)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
