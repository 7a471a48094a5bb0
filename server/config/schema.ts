/**
 * The shape of `highwayman.yaml`. Every key has its description (with unit) and its default here and nowhere else: the
 * reference in docs/configuration.md is rendered from this schema. What needs more than one key to judge (does this arm
 * exist?) is checked where the registry is built.
 */
import { z } from 'zod'
import { FACTOR_MAX, MAX_TEXT_COMPONENTS } from '../../engine/index.ts'
import { DEFAULTS } from './defaults.ts'
import {
  address,
  amount,
  armId,
  capabilities,
  HEADER_NAME,
  HEADER_VALUE,
  integer,
  metricName,
  milliseconds,
  modelName,
  name,
  named,
  number,
  section,
  share,
  text,
  truth,
} from './schema-fields.ts'
import { promotionSection } from './schema-promotion.ts'
import { judge, metric, signals } from './schema-rewards.ts'
import { storeSection } from './schema-store.ts'
import { RATE_MAX, RATE_MIN, WEIGHT_MAX } from './wish-ranges.ts'

const price = section({
  inputUsdPerMtok: amount().describe('USD per million prompt tokens.'),
  outputUsdPerMtok: amount().describe('USD per million answer tokens.'),
  cachedInputUsdPerMtok: amount()
    .optional()
    .describe('USD per million prompt tokens read from the provider’s cache. Default: the input price.'),
  cacheWriteUsdPerMtok: amount()
    .optional()
    .describe('USD per million prompt tokens written to the provider’s cache. Default: the input price.'),
})

const prior = section({
  quality: share().optional().describe(`Expected quality, 0 to 1. Default: ${DEFAULTS.arm.prior.quality}.`),
  ttftMs: number(z.number().positive())
    .optional()
    .describe(`Median time to first token, ms. Default: ${DEFAULTS.arm.prior.ttftMs}.`),
  tpotMs: number(z.number().positive())
    .optional()
    .describe(`Median time per answer token, ms. Default: ${DEFAULTS.arm.prior.tpotMs}.`),
  outputTokens: number(z.number().positive())
    .optional()
    .describe(`Median answer length, tokens. Default: ${DEFAULTS.arm.prior.outputTokens}.`),
})

const rate = () => number(z.number().min(RATE_MIN).max(RATE_MAX))
const weight = () => number(z.number().nonnegative().max(WEIGHT_MAX))

const preferences = section({
  usdPerQualityPoint: rate()
    .optional()
    .describe('Exchange rate: USD per request that one percentage point of quality is worth.'),
  secondsPerQualityPoint: rate()
    .optional()
    .describe('Exchange rate: seconds of waiting that one percentage point of quality is worth.'),
  quality: weight().optional().describe('Weight of quality. Weights and exchange rates exclude each other.'),
  cost: weight()
    .optional()
    .describe(
      'Weight of cost, measured by what a typical request of the class costs on average over the arms.',
    ),
  latency: weight()
    .optional()
    .describe(
      'Weight of latency, measured by what a typical request of the class takes on average over the arms.',
    ),
  withinQualityPoints: amount()
    .optional()
    .describe(
      `Quality first, instead of weights or rates: so many percentage points of it at most are given up for the goods of \`thenBy\`. Default: ${DEFAULTS.model.withinQualityPoints}.`,
    ),
  thenBy: z
    .array(z.enum(['cost', 'latency']))
    .min(1)
    .max(2)
    .optional()
    .describe('What decides among the arms within `withinQualityPoints` of the best.'),
})

const qualityFloor = section({
  arm: armId().describe('The arm to be measured by.'),
  share: number(z.number().gt(0).max(1)).describe('Of that arm’s quality; 0.97 is 97 %.'),
  confidence: number(z.number().gt(0).lt(1))
    .optional()
    .describe(
      'Probability that the share is reached, under what is believed. Default: 0.5, means are compared.',
    ),
})

const constraints = section({
  maxCostUsd: number(z.number().positive()).optional().describe('Expected cost of a request at most, USD.'),
  maxLatencyMs: number(z.number().positive())
    .optional()
    .describe('Expected time to the last token at most, ms.'),
  maxP95CostUsd: number(z.number().positive())
    .optional()
    .describe('What 95 % of such requests cost at most, USD.'),
  maxP95LatencyMs: number(z.number().positive())
    .optional()
    .describe('What 95 % of such requests take at most to the last token, ms.'),
  qualityFloor: qualityFloor
    .optional()
    .describe('Only arms that are believed to be so good as a share of another arm’s quality.'),
  regions: z.array(text()).min(1).optional().describe('Only arms of these regions.'),
  capabilities: capabilities().optional().describe('Only arms with all of these.'),
})

const policySettings = {
  name: text().describe(
    'One that learns: `thompson`, `linucb`, `squarecb`, `information-directed`, `epsilon-greedy`, `softmax`; or one that is told: `fixed`, `priority`, `weighted`, `round-robin`, `cheapest`, `fastest`, `least-busy`.',
  ),
  exploration: number(z.number().positive().max(FACTOR_MAX))
    .optional()
    .describe(
      `\`thompson\`: factor on the posterior sd of an arm that is known. Default: ${DEFAULTS.policy.exploration}.`,
    ),
  alpha: number(z.number().nonnegative().max(FACTOR_MAX))
    .optional()
    .describe(
      `\`linucb\`: width of the confidence bound, in sds of what is believed. Default: ${DEFAULTS.policy.alpha}.`,
    ),
  gammaScale: number(z.number().positive().max(FACTOR_MAX))
    .optional()
    .describe(
      `\`squarecb\`: γ = gammaScale · examples^gammaExponent, how sharply worse arms are avoided. Default: ${DEFAULTS.policy.gammaScale}.`,
    ),
  gammaExponent: share()
    .optional()
    .describe(`\`squarecb\`: how fast γ grows, 0 to 1. Default: ${DEFAULTS.policy.gammaExponent}.`),
  temperature: number(z.number().positive())
    .optional()
    .describe(
      `\`softmax\`: gain in utility that makes an arm e times as likely. Default: ${DEFAULTS.policy.temperature}.`,
    ),
  epsilon: share()
    .optional()
    .describe(`\`epsilon-greedy\`: share of requests spread evenly. Default: ${DEFAULTS.policy.epsilon}.`),
  arm: armId().optional().describe('`fixed`: the arm that is always taken.'),
  order: z.array(armId()).min(1).optional().describe('`priority`: the arms, first choice first.'),
  weights: z.record(armId(), amount()).optional().describe('`weighted`: share of each arm, in any unit.'),
}
/** `policy: thompson` is short for `policy: { name: thompson }`. */
const policy = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : (value ?? {})),
  z.strictObject(policySettings),
)

const provider = section({
  type: text()
    .optional()
    .describe(
      'Which well-known provider this is, or `openai-compatible` for any other upstream of that shape. Default: its name.',
    ),
  baseUrl: address()
    .optional()
    .describe('Address up to and including the version segment. Default: the well-known provider’s own.'),
  apiKey: text()
    .optional()
    .describe(
      `Key, as \`\${VARIABLE}\`. Default: the provider’s usual variable (\`OPENAI_API_KEY\`, …) when that is set.`,
    ),
  headers: z
    .record(
      z.string().regex(HEADER_NAME, 'is not a header name'),
      z.string().regex(HEADER_VALUE, 'must be printable characters on one line'),
    )
    .optional()
    .describe('Headers added to every call.'),
  deadlines: section({
    connectMs: milliseconds().default(DEFAULTS.provider.deadlines.connectMs).describe('To connect, ms.'),
    firstByteMs: milliseconds()
      .default(DEFAULTS.provider.deadlines.firstByteMs)
      .describe('Until the first byte of the answer, ms.'),
    idleMs: milliseconds()
      .default(DEFAULTS.provider.deadlines.idleMs)
      .describe('Between two pieces of a streamed answer, ms.'),
    totalMs: milliseconds().default(DEFAULTS.provider.deadlines.totalMs).describe('For the whole call, ms.'),
  }).describe('When a call is given up.'),
  connections: integer(1, 10_000).default(DEFAULTS.provider.connections).describe('Sockets open at most.'),
  quirks: section({
    maxTokensField: z
      .enum(['max_tokens', 'max_completion_tokens'])
      .optional()
      .describe('Field that carries the answer’s token limit.'),
    dropFields: z.array(text()).optional().describe('Request fields this upstream must not get.'),
    developerRole: z
      .enum(['developer', 'system'])
      .optional()
      .describe('Role that `developer` messages are sent with.'),
    streamUsageOption: truth().optional().describe('Whether it understands `stream_options.include_usage`.'),
  }).describe('Where an OpenAI-shaped upstream deviates. Default: what is known of the provider.'),
})

const arm = section({
  model: text()
    .optional()
    .describe('The vendor’s model id. Default: what follows the first slash of the arm’s id.'),
  price: price.optional().describe('List price. Default: the bundled table; free on one’s own machines.'),
  contextWindowTokens: integer(1)
    .optional()
    .describe('Prompt and answer together, tokens. Default: the bundled table, else unbounded.'),
  maxOutputTokens: integer(1)
    .optional()
    .describe('Longest answer, tokens. Default: the bundled table, else unbounded.'),
  capabilities: capabilities()
    .optional()
    .describe(
      `What the model can do. Default: the bundled table, else ${DEFAULTS.arm.capabilities.map((c) => `\`${c}\``).join(', ')}.`,
    ),
  region: text().optional().describe('Where it runs; matched by `constraints.regions`.'),
  tags: z.array(name()).default([]).describe('Names for groups of arms.'),
  prior: prior.describe('What to believe before the first outcome.'),
  priorFrom: armId()
    .optional()
    .describe(
      'A sibling (its predecessor, the same model elsewhere) whose outcomes it starts from, as if it had shown fifty of them itself.',
    ),
})

const conservative = section({
  baseline: armId().describe('The arm to be measured by; what the rest cannot be trusted with goes to it.'),
  alpha: number(z.number().gt(0).lt(1)).describe(
    'Share of the baseline’s quality that may be given up at most, at every moment; 0.05 is 5 %.',
  ),
  confidence: number(z.number().gt(0.5).lt(1))
    .optional()
    .describe('Probability that this holds. Default: 0.95.'),
})

const model = section({
  arms: z.array(armId()).min(1).optional().describe('Arms by id. Neither `arms` nor `tags`: all arms.'),
  tags: z.array(name()).min(1).optional().describe('Also every arm with one of these tags.'),
  policy: policy
    .optional()
    .describe(
      `How an arm is chosen: a policy’s name, a name from \`policies\`, or a map as below. Default: \`${DEFAULTS.model.policy}\`.`,
    ),
  preferences: preferences.optional().describe(
    `What quality, cost and latency are worth. Default: weights ${Object.entries(DEFAULTS.model.preferences)
      .map(([good, weight]) => `${good} ${weight}`)
      .join(', ')}.`,
  ),
  constraints: constraints.describe('Hard limits: an arm outside them is not eligible.'),
  floor: number(z.number().min(0).lt(1))
    .optional()
    .describe(
      `Share of requests spread evenly over the eligible arms, so that every choice can be learned from. Default: ${DEFAULTS.model.floor}; ${DEFAULTS.model.staticPolicyFloor} for policies that are told which arm to take.`,
    ),
  switchMargin: number(z.number().min(0).max(1))
    .default(DEFAULTS.model.switchMargin)
    .describe(
      'By how much another arm must be better to take over a conversation, in units of quality: 0.01 is a percentage point.',
    ),
  explore: truth()
    .default(DEFAULTS.model.explore)
    .describe('`false`: always the arm that looks best, nothing is tried out.'),
  conservative: conservative
    .optional()
    .describe(
      'Hold the quality that was fed back above a share of what one arm would have had, counted from the start of the process.',
    ),
})

const tenant = section({
  keys: z
    .array(text())
    .default([])
    .describe(
      `Keys of this tenant: \`sha256:\` and 64 hex digits, or \`\${VARIABLE}\`, hashed when it is read.`,
    ),
  preferences: preferences.optional().describe('Replace those of the virtual model.'),
  constraints: constraints.describe('Apply besides those of the virtual model.'),
  allow: z.array(text()).min(1).optional().describe('Only these arms, by id or tag. Default: all.'),
  deny: z.array(text()).default([]).describe('Never these arms, by id or tag.'),
})

const embedding = z.strictObject({
  provider: text().describe(
    'Provider from `providers` that has OpenAI’s `/embeddings`. It is sent the end of every prompt.',
  ),
  model: text().describe('The vendor’s id of the embedding model.'),
  dimensions: integer(1, 16_384).describe('Length of that model’s vectors.'),
  components: integer(1, MAX_TEXT_COMPONENTS)
    .default(DEFAULTS.embedding.components)
    .describe('Coordinates of the text that decisions look at.'),
  timeoutMs: milliseconds()
    .default(DEFAULTS.embedding.timeoutMs)
    .describe('A request waits no longer than this, ms; then it is decided without its text.'),
})

export const configSchema = z.strictObject({
  providers: named(name(), provider).describe(
    'Where models are served. A well-known provider needs no settings: `openai:` is enough.',
  ),
  arms: named(armId(), arm).describe('What can answer, by `provider/model`.'),
  models: named(modelName(), model).describe(
    'Names that callers use for a choice among arms. Default: `auto`, `auto/fast`, `auto/cheap` and `auto/best` over all arms.',
  ),
  aliases: named(modelName(), text()).describe('Other names of arms and virtual models.'),
  classes: z
    .array(name())
    .min(1)
    .default([...DEFAULTS.classes])
    .describe('Labels of requests. Needs a restart: what was learned holds for one list only.'),
  features: section({
    embedding: embedding
      .optional()
      .describe(
        'A model of yours that tells what prompts are about. Needs a restart, and starts learning anew.',
      ),
  }).describe('What decisions look at besides class and structure.'),
  policies: named(name(), policy).describe('Policies with their settings, to be named in `models`.'),
  tenants: named(name(), tenant).describe('Who may call, with which wishes. None: nobody needs a key.'),
  coldStart: section({
    file: text()
      .optional()
      .describe(
        'A policy file (`highwayman fit`) to start from, relative to this file: what is believed of the arms beforehand, and the policy and floor of models that name none.',
      ),
    effectiveSamples: number(z.number().positive())
      .optional()
      .describe('Observations that the file’s sums of one arm count as at most. Default: as the file says.'),
  }).describe('What to believe before anything was observed.'),
  metrics: named(metricName(), metric).describe(
    'What answers are judged by. With the first one that is declared, every other name but `quality` is refused.',
  ),
  signals: signals.describe(
    'What is read off answers and conversations without anybody’s doing. Off unless one is named.',
  ),
  judges: named(name(), judge).describe('Models that judge a share of the answers.'),
  store: storeSection.describe('Where decisions, outcomes and what was learned are kept.'),
  admin: section({
    keys: z
      .array(text())
      .default([])
      .describe(
        `Keys for \`/admin/v1\`: \`sha256:\` and 64 hex digits, or \`\${VARIABLE}\`, hashed when it is read. None: only from this machine, while the server listens on loopback.`,
      ),
  }).describe('Who may look at statistics, promote policies and erase.'),
  promotion: promotionSection.describe(
    'What policy files have to show before they get traffic, and how much they get.',
  ),
  replicas: section({
    mergeEveryMs: integer(100, 3_600_000)
      .default(DEFAULTS.replicas.mergeEveryMs)
      .describe(
        'Pause before what the others have learned is read again, ms; ten times as long as a reading takes at least.',
      ),
  }).describe('Several gateways over one store, which learn as one.'),
  server: section({
    host: text().default(DEFAULTS.server.host).describe('Address to listen on. Needs a restart.'),
    port: integer(0, 65_535)
      .default(DEFAULTS.server.port)
      .describe('Port to listen on; 0 takes a free one. Needs a restart.'),
    bodyLimitBytes: integer(1024, 1024 ** 3)
      .default(DEFAULTS.server.bodyLimitBytes)
      .describe('Largest request body, bytes. Needs a restart.'),
    maxInFlight: integer(1)
      .default(DEFAULTS.server.maxInFlight)
      .describe('Requests running at once; more get 503 with Retry-After.'),
    maxAttempts: integer(1, 100)
      .default(DEFAULTS.server.maxAttempts)
      .describe('Upstream calls for one request at most, failovers included.'),
    shutdownDelayMs: integer(0, 24 * 3_600_000)
      .optional()
      .describe(
        `How long requests are still answered after SIGTERM while \`/readyz\` says 503, ms; then the port closes. Default: ${DEFAULTS.probedShutdownDelayMs} where \`/readyz\` is asked again and again, else 0.`,
      ),
    drainMs: integer(0, 24 * 3_600_000)
      .default(DEFAULTS.server.drainMs)
      .describe(
        'How long a server whose port has closed waits for running requests, ms; then they end with an error.',
      ),
  }).describe('The HTTP server.'),
})

export type Config = z.output<typeof configSchema>
export type ProviderSettings = Config['providers'][string]
export type ArmSettings = Config['arms'][string]
export type ModelSettings = Config['models'][string]
export type TenantSettings = Config['tenants'][string]
export type PolicySettings = Config['policies'][string]
export type MetricSettings = Config['metrics'][string]
export type JudgeSettings = Config['judges'][string]
export type PreferenceSettings = z.output<typeof preferences>
export type ConstraintSettings = z.output<typeof constraints>
