-- What a decision's quality became by a value, as it was learned. Several metrics make quality, and how they do may change
-- with the configuration: what is subtracted when a value is revised has to be what was added.
--
-- The defaults speak for rows without these columns, those that were there and those of a previous version that still writes:
-- to it the value of the metric `quality` was the quality.

ALTER TABLE rewards ADD COLUMN IF NOT EXISTS quality Nullable(Float64) DEFAULT if(metric = 'quality', value_number, NULL);

ALTER TABLE rewards ADD COLUMN IF NOT EXISTS sets_quality Bool DEFAULT metric = 'quality';

-- How many values the decision had when this one was taken. `ts` is when something came to pass, as its source has it, and no
-- order of acceptance.
ALTER TABLE rewards ADD COLUMN IF NOT EXISTS position UInt16;

-- For feedback on a session: its decisions are looked for in a span of days.
ALTER TABLE decisions ADD INDEX IF NOT EXISTS decisions_by_session session TYPE bloom_filter(0.01) GRANULARITY 1;
