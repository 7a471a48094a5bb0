-- Policies that come as files, what evaluations say of them, and which of them serves: all of it rare, and kept for good.

-- A policy file as it was handed in; its hash names it everywhere else.
CREATE TABLE IF NOT EXISTS policies
(
    -- Hex SHA-256 of the file's canonical text.
    hash                String,
    ts                  DateTime64(3, 'UTC'),
    -- Who handed it in.
    actor               String,
    -- JSON of the policy's name and settings.
    policy              String,
    feature_space       LowCardinality(String),
    -- JSON: what the file says it was made from.
    provenance          String CODEC(ZSTD(3)),
    text                String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY hash
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS evaluations
(
    ts                  DateTime64(3, 'UTC'),
    evaluation_id       String,
    -- Of the policy that is judged.
    target_hash         String,
    -- What it is compared with: `logged`, whatever made the log; else the hash of a policy, or `configured`.
    against             String,
    actor               String,
    refused             Bool,
    -- JSON, whole.
    evaluation          String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (target_hash, ts, evaluation_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Every step of every policy on its way to all traffic and back, refused ones included. Never changed: what serves now follows
-- from the steps in the order of their time.
CREATE TABLE IF NOT EXISTS rollouts
(
    ts                  DateTime64(3, 'UTC'),
    rollout_id          String,
    -- Name of the virtual model.
    model               String,
    -- canary, full, rollback
    action              LowCardinality(String),
    -- done, refused
    outcome             LowCardinality(String),
    -- The policy that the step is about. Empty: the one of the configuration.
    policy_hash         String,
    -- What its share of the traffic became, or would have become.
    share               Float64,
    -- It was done although the gate refused.
    forced              Bool,
    reason              String CODEC(ZSTD(3)),
    -- JSON: why the gate refused, [{ "code": …, "message": … }, …].
    refusals            String CODEC(ZSTD(3)),
    evaluation_id       String,
    actor               String
)
ENGINE = ReplacingMergeTree
ORDER BY (ts, rollout_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which policy drew a decision, why it was this one's turn, and with what probability that came about. The propensity beside it
-- is the policy's own. Contexts under the other feature spaces that learned along: late feedback teaches them too.
ALTER TABLE decisions
    ADD COLUMN IF NOT EXISTS policy_hash LowCardinality(String),
    ADD COLUMN IF NOT EXISTS assigned_as LowCardinality(String),
    ADD COLUMN IF NOT EXISTS assignment_probability Float64 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS also_feature_spaces Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS also_x Array(Array(Float64)) CODEC(ZSTD(1));
