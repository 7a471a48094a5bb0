/** `store:` of the configuration: where rows are kept, for how long, and which. */
import { z } from 'zod'
import { DEFAULT_KEEPER_PATH, DEFAULT_REPLICA_MACRO } from '../../adapters/index.ts'
import { REDACTIONS } from '../privacy/redact.ts'
import { DEFAULTS } from './defaults.ts'
import { address, integer, milliseconds, name, section, text, truth } from './schema-fields.ts'

const days = () => integer(1, 36_500).optional()

const retention = section({
  decisionsDays: days().describe(
    'Decisions with their estimates and probabilities, and which experiment they were part of. Needs a restart.',
  ),
  attemptsDays: days().describe('Upstream calls. Needs a restart.'),
  rewardsDays: days().describe('Feedback. Needs a restart.'),
  observationsDays: days().describe(
    'Single examples; their sums outlive them, and can then no longer be corrected one by one. Needs a restart.',
  ),
  posteriorDays: days().describe(
    'Sums of what was learned. Not less than `observationsDays`. Needs a restart.',
  ),
})

const cluster = section({
  name: text().describe(
    'The cluster, as `remote_servers` of the ClickHouse servers name it. Needs a restart.',
  ),
  keeperPath: text()
    .default(DEFAULT_KEEPER_PATH)
    .describe('Where the replicas of a table meet in Keeper, with the servers’ macros. Needs a restart.'),
  replicaMacro: text()
    .default(DEFAULT_REPLICA_MACRO)
    .describe('Names a server among the replicas of its shard. Needs a restart.'),
})

const redactionPattern = section({
  name: name().describe('What stands in place of a find, in square brackets.'),
  regex: text().describe('What to find, in the syntax of RE2: no look-around, no back-references.'),
})

const prompts = section({
  enabled: truth()
    .default(DEFAULTS.prompts.enabled)
    .describe('`true`: keep the text of requests, redacted, in a table of its own. Answers are never kept.'),
  retentionDays: integer(1, 36_500)
    .default(DEFAULTS.prompts.retentionDays)
    .describe('For how long. Needs a restart.'),
  maxChars: integer(1, 1_000_000)
    .default(DEFAULTS.prompts.maxChars)
    .describe('Of one request at most, characters; the latest messages are kept.'),
  redact: z
    .array(z.enum(REDACTIONS))
    .default([...REDACTIONS])
    .describe('Kinds of text to take out.'),
  patterns: z.array(redactionPattern).default([]).describe('Further texts to take out, before those.'),
})

const spool = section({
  dir: text()
    .optional()
    .describe(
      `Directory where rows wait until ClickHouse has them, relative to this file. Default: \`spool\` in \`dataDir\`; with a server, \`${DEFAULTS.store.spoolDir}\` in the working directory.`,
    ),
  maxBytes: integer(1024 ** 2)
    .default(DEFAULTS.store.spoolMaxBytes)
    .describe('What it may hold, bytes. Beyond: [docs/durability.md](durability.md).'),
})

export const storeSection = section({
  dataDir: text()
    .optional()
    .describe(
      `Directory of the embedded database, relative to this file. Default: \`${DEFAULTS.store.dataDir}\` in the working directory. Needs a restart.`,
    ),
  url: address()
    .optional()
    .describe('HTTP address of a ClickHouse server, instead of `dataDir`. Needs a restart.'),
  database: name().default(DEFAULTS.store.database).describe('Database on that server. Needs a restart.'),
  username: text().optional().describe('User on that server. Needs a restart.'),
  password: text().optional().describe(`Password, as \`\${VARIABLE}\`. Needs a restart.`),
  caFile: text()
    .optional()
    .describe('PEM file of the authority that signed that server’s certificate, relative to this file.'),
  compression: truth().optional().describe('Compress what is sent to that server. Default: `true`.'),
  connectTimeoutMs: milliseconds().optional().describe('Wait for its first answer, ms. Default: `5000`.'),
  requestTimeoutMs: milliseconds().optional().describe('Wait for any later answer, ms. Default: `30000`.'),
  cluster: cluster
    .optional()
    .describe('Replicate the tables over the servers of a cluster, and spread them over its shards.'),
  flushMs: integer(1, 60_000)
    .default(DEFAULTS.store.flushMs)
    .describe('A row waits at most this long to share an insert, ms: what a killed process loses.'),
  batchRows: integer(1, 1_000_000)
    .default(DEFAULTS.store.batchRows)
    .describe('So many rows of a table are an insert at once.'),
  spool: spool.describe('Rows on their way, on disk. Needs a restart.'),
  retention: retention.describe('How long rows are kept, days. Default: for good.'),
  prompts: prompts.describe('The text of requests.'),
})
