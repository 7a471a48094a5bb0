/** Experiments: what operators declare, and what they are told. */
import { z } from 'zod'
import { MEASURES } from '../../../adapters/index.ts'
import { UNITS } from '../../experiments/assignment.ts'
import { ALLOCATIONS, METRIC_ROLES, STATISTICS } from '../../experiments/definition.ts'
import { STATUSES } from '../../experiments/lifecycle.ts'

const KEY = /^[a-z0-9][a-z0-9._-]{0,63}$/
const NAMES_MAX = 100

const key = z
  .string()
  .regex(KEY, 'must be up to 64 of a-z, 0-9, ".", "_" and "-", and begin with a letter or digit')
const share = z.number().min(0).max(1)
const names = z.array(z.string().min(1).max(256)).min(1).max(NAMES_MAX).optional()
const actor = z.string().min(1).max(256).default('api').describe('Who does it; kept with the step.')
const reason = z.string().max(2_000).default('').describe('Why; kept with the step.')

export const experimentParamsSchema = z.object({ key })

const arm = z.string().min(1).max(256)
const settings = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('thompson'), exploration: z.number().positive().optional() }),
  z.strictObject({ name: z.literal('linucb'), alpha: z.number().min(0).optional() }),
  z.strictObject({
    name: z.literal('squarecb'),
    gammaScale: z.number().positive().optional(),
    gammaExponent: z.number().min(0).optional(),
  }),
  z.strictObject({ name: z.literal('epsilon-greedy'), epsilon: share.optional() }),
  z.strictObject({ name: z.literal('softmax'), temperature: z.number().positive().optional() }),
  z.strictObject({ name: z.literal('fixed'), arm }),
  z.strictObject({ name: z.literal('priority'), order: z.array(arm).min(1) }),
  z.strictObject({ name: z.literal('weighted'), weights: z.record(arm, z.number().min(0)) }),
  ...(['information-directed', 'round-robin', 'cheapest', 'fastest', 'least-busy'] as const).map((name) =>
    z.strictObject({ name: z.literal(name) }),
  ),
])

const variant = z.strictObject({
  key,
  weight: z.number().gt(0).lt(1).optional().describe('Share of the units. Default: all the same.'),
  policy: z
    .union([
      z.literal('current'),
      z.strictObject({
        file: z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hex digits of a policy’s hash'),
      }),
      settings,
    ])
    .describe(
      '`current`, what decides without the experiment; `{ "file": hash }`, a policy file on record; or a policy’s settings.',
    ),
  floor: share.optional().describe('Exploration floor of settings. Default: the virtual model’s.'),
})

const metric = z.strictObject({
  name: z.string().min(1).max(64).optional().describe('Default: the measure, with its statistic.'),
  measure: z.enum(MEASURES),
  reward: z.string().min(1).max(256).optional().describe('Name of the reward; of `reward` only.'),
  statistic: z.enum(STATISTICS).default('mean').describe('p50 and p95 of ttft_ms, total_ms and cost_usd.'),
  better: z
    .enum(['higher', 'lower'])
    .optional()
    .describe('Default: by the measure; lower for cost, time and errors.'),
  role: z.enum(METRIC_ROLES).default('secondary'),
  margin: z
    .number()
    .min(0)
    .max(10)
    .default(0)
    .describe('Of a guardrail: so much worse, as a share of the control’s value, is no harm yet.'),
  winsorize_at: z
    .number()
    .gt(0.5)
    .lt(1)
    .optional()
    .describe(
      'Values beyond the highest of the variants’ quantiles at this level count as it; of ttft_ms, total_ms and cost_usd. Default: none do.',
    ),
  usd_per_quality_point: z
    .number()
    .positive()
    .optional()
    .describe('Of `utility`: what one percentage point of quality may cost, USD.'),
  seconds_per_quality_point: z.number().positive().optional().describe('Of `utility`: what one may take.'),
  quality_per_failure: z
    .number()
    .min(0)
    .default(1)
    .describe('Of `utility`: what a failed call takes from it.'),
})
export type MetricBody = z.output<typeof metric>

export const experimentBodySchema = z.strictObject({
  key: key.describe('Names the experiment, and seeds its hash.'),
  hypothesis: z.string().max(2_000).default(''),
  unit: z
    .enum(UNITS)
    .default('session')
    .describe('What is assigned as one: everything of a tenant, a user, a session, or each request.'),
  variants: z.array(variant).min(2).max(10).describe('The first is the control.'),
  models: names.describe('Only requests for these virtual models. Default: all.'),
  classes: names.describe('Only requests of these classes. Default: all.'),
  tenants: names.describe('Only requests of these tenants. Default: all.'),
  coverage: share.default(1).describe('Of the units that could take part.'),
  ramp: z
    .array(z.strictObject({ after_hours: z.number().min(0), coverage: share }))
    .max(20)
    .default([])
    .describe('Coverage by the time since the start, instead of `coverage`; it may only grow.'),
  namespace: z
    .strictObject({ name: z.string().min(1).max(64), from: share, to: share })
    .optional()
    .describe('Slice of a layer: experiments on slices that do not overlap never share a unit.'),
  holdout: z
    .strictObject({ name: z.string().min(1).max(64), share })
    .optional()
    .describe('Units that no experiment with this holdout touches.'),
  metrics: z
    .array(metric)
    .min(1)
    .max(20)
    .default([
      { measure: 'quality', statistic: 'mean', role: 'primary', margin: 0, quality_per_failure: 1 },
      { measure: 'cost_usd', statistic: 'mean', role: 'secondary', margin: 0, quality_per_failure: 1 },
      { measure: 'total_ms', statistic: 'mean', role: 'guardrail', margin: 0.5, quality_per_failure: 1 },
      { measure: 'error_rate', statistic: 'mean', role: 'guardrail', margin: 1, quality_per_failure: 1 },
    ])
    .describe('One is primary.'),
  alpha: z.number().gt(0).max(0.5).default(0.05).describe('Error of the primary comparison, two-sided.'),
  planned_units: z
    .number()
    .int()
    .min(100)
    .max(1e9)
    .default(5_000)
    .describe('Of all variants; always-valid intervals are tightest there, fixed ones are to be read there.'),
  mde: z
    .number()
    .gt(0)
    .max(10)
    .optional()
    .describe('Effect it should be able to find, as a share of the control.'),
  max_days: z.number().gt(0).max(365).default(28).describe('It ends by itself then.'),
  stop_on_success: z.boolean().default(false).describe('It ends by itself when a variant has won.'),
  allocation: z
    .enum(ALLOCATIONS)
    .default('fixed')
    .describe(
      'Adaptive ones move the weights; their analysis weights units by the inverse of their probability.',
    ),
  min_share: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.05)
    .describe('What adaptive allocation leaves every variant.'),
  covariate: z
    .enum(['none', 'prompt', 'before'])
    .default('none')
    .describe('CUPED: by the length of the prompts, or by the same metric in the 28 days before the start.'),
  prior: z
    .strictObject({ mean: z.number(), sd: z.number().positive() })
    .optional()
    .describe('Of the relative effect on the primary metric, normal. Default: flat.'),
  actor,
  reason,
})
export type ExperimentBody = z.output<typeof experimentBodySchema>

export const stepBodySchema = z.strictObject({ actor, reason })
export const stopBodySchema = z.strictObject({
  actor,
  reason,
  variant: key
    .optional()
    .describe('Only this variant; its units take part no more. Default: the whole experiment.'),
})
export const promoteExperimentSchema = z.strictObject({
  actor,
  reason,
  variant: key.optional().describe('Default: the winner.'),
  model: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Default: the only one that the experiment is about.'),
  share: z.number().gt(0).lte(1).optional(),
  force: z.boolean().default(false),
})

const conclusion = z
  .object({ at_ms: z.number(), kind: z.string(), winner: z.string().optional(), reason: z.string() })
  .nullable()

export const experimentSchema = z.object({
  object: z.literal('experiment'),
  key: z.string(),
  status: z.enum(STATUSES),
  run: z.number(),
  step: z.number(),
  started_ms: z.number().nullable(),
  variants: z.array(z.object({ variant: z.string(), weight: z.number(), stopped: z.string().nullable() })),
  conclusion,
  definition: z.looseObject({}),
})
export type ExperimentReply = z.output<typeof experimentSchema>

export const experimentListSchema = z.object({ object: z.literal('list'), data: z.array(experimentSchema) })

export const experimentHistorySchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      at_ms: z.number(),
      step: z.number(),
      action: z.string(),
      actor: z.string(),
      reason: z.string(),
    }),
  ),
})

const test = z.looseObject({
  p_value: z.number(),
  lo: z.number().nullable().describe('Null: no bound.'),
  hi: z.number().nullable(),
})

export const reportSchema = z.looseObject({
  object: z.literal('experiment_report'),
  experiment: z.string(),
  status: z.string(),
  verdict: z.looseObject({
    kind: z.enum(['blocked', 'too_early', 'winner', 'harm', 'undecided']),
    winner: z.string().optional(),
    says: z.string(),
  }),
  alarms: z.array(z.object({ code: z.string(), message: z.string() })),
  problems: z.array(z.string()).describe('What keeps it from running as declared, on this replica.'),
  sample_ratio: z.looseObject({ p_value: z.number(), sequential_p_value: z.number() }),
  variants: z.array(z.looseObject({ variant: z.string(), units: z.number(), weight: z.number() })),
  comparisons: z.array(
    z.looseObject({
      metric: z.string(),
      role: z.string(),
      variant: z.string(),
      effect: z.number(),
      verdict: z.string(),
      says: z.string(),
      always_valid: test.describe('Holds at every look.'),
      fixed: test.describe('Holds at one look, at the planned size.'),
    }),
  ),
})
export type ReportReply = z.output<typeof reportSchema>

export const powerBodySchema = z.strictObject({
  unit: z.enum(UNITS).default('session'),
  variants: z.number().int().min(2).max(10).default(2),
  metric: metric.default({
    measure: 'quality',
    statistic: 'mean',
    role: 'primary',
    margin: 0,
    quality_per_failure: 1,
  }),
  mde: z.number().gt(0).max(10).describe('Effect to find, as a share of today’s value.'),
  power: z.number().gt(0).lt(1).default(0.8),
  alpha: z.number().gt(0).max(0.5).default(0.05),
  days: z.number().gt(0).max(365).default(14).describe('Of the log to take variance and traffic from.'),
  models: names,
  classes: names,
  tenants: names,
})
export type PowerBody = z.output<typeof powerBodySchema>

const plan = z.object({
  units_per_variant: z.number(),
  units: z.number(),
  days: z.number().nullable().describe('At the traffic of the log; null where there is none.'),
})
export const powerReplySchema = z.object({
  object: z.literal('power'),
  seen: z.object({
    units: z.number(),
    days: z.number().describe('Of the log that there were; fewer than asked for of a younger one.'),
    units_per_day: z.number(),
    value: z.number(),
    sd: z.number(),
  }),
  fixed: plan.describe('Read once, at that size.'),
  always_valid: plan.describe('Read at any time, tightest at that size.'),
})
export type PowerReply = z.output<typeof powerReplySchema>
