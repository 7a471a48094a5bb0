-- A batch that waited in a spool is inserted under the token of its first try, and ClickHouse has to remember that one: for as
-- many batches of the table, by all replicas, as came between the two.

ALTER TABLE decisions MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE attempts MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE rewards MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE observations MODIFY SETTING non_replicated_deduplication_window = 10000;
ALTER TABLE posterior MODIFY SETTING non_replicated_deduplication_window = 10000;
