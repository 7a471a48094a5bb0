/** How a decision is shown: at the moment it is made (`/v1/route`) and afterwards (`/v1/decisions/{id}`). */
import { z } from 'zod'
import { STANDINGS } from '../../rewards/quality.ts'
import { SOURCE_KINDS } from '../../rewards/source.ts'

const belief = z.object({
  mean: z.number(),
  sd: z.number().describe('Of what is believed, not of single outcomes.'),
})

export const estimateSchema = z.object({
  arm: z.string(),
  probability: z.number().describe('With which the policy chose this arm; 0 to 1.'),
  quality: belief,
  cost_usd: belief,
  latency_ms: belief.describe('To the last token.'),
  ttft_ms: z.number(),
  tpot_ms: z.number(),
  output_tokens: z.number(),
  success: belief,
  utility: belief.describe('quality − λ_cost·cost − λ_latency·latency − λ_fail·(1 − success).'),
})

export const exclusionSchema = z.object({ arm: z.string(), reason: z.string(), detail: z.string() })

export const policySchema = z.looseObject({ name: z.string() })

const choice = {
  decision_id: z.string(),
  arm: z.string().describe('The arm that was drawn.'),
  propensity: z.number().describe('The probability it was drawn with.'),
  policy: policySchema,
  assignment: z
    .object({
      policy_hash: z.string().nullable().describe('Of the policy file; null: the configuration’s policy.'),
      as: z.string().describe('live, canary, experiment:<id>/<variant>.'),
      probability: z
        .number()
        .describe('With which it came to be this policy’s turn. The propensity is the policy’s own.'),
    })
    .optional()
    .describe('Where another policy than the configuration’s serves the model, or serves it too.'),
  class: z.string(),
  explore: z.boolean(),
  floor: z.number(),
  conversation: z
    .object({
      arm: z.string().describe('That gave the last turn.'),
      cached_tokens: z.number().describe('Prompt tokens counted at its cached price.'),
      switch_margin: z.number().describe('Utility that the policy saw on top of that arm’s own.'),
    })
    .optional()
    .describe(
      'Of a conversation’s later turns, at the time of the decision, where a cache or a margin speaks for its arm.',
    ),
  conservative: z
    .object({
      baseline: z.string(),
      alpha: z.number(),
      slack: z
        .number()
        .describe(
          'Lower bound, before this decision, of the quality in excess of (1 − alpha) × the baseline’s.',
        ),
      held_mass: z.number().describe('Probability that was moved to the baseline.'),
      baseline_quality: belief,
    })
    .optional()
    .describe('Where quality is held above a share of a baseline’s, at the time of the decision.'),
  rates: z
    .object({ per_usd: z.number(), per_second: z.number(), per_failure: z.number() })
    .describe('What the other goods cost in units of quality.'),
  probabilities: z.record(z.string(), z.number()),
  estimates: z.array(estimateSchema),
  exclusions: z.array(exclusionSchema),
}

export const routeReplySchema = z.object({
  object: z.literal('routing.decision'),
  ...choice,
  provider: z.string(),
  upstream_model: z.string().describe('The vendor’s id of the model.'),
  prompt_tokens: z.number(),
  warnings: z.array(z.object({ field: z.string(), message: z.string() })),
})
export type RouteReply = z.output<typeof routeReplySchema>

const nullableNumber = z.number().nullable()

export const decisionReplySchema = z.object({
  object: z.literal('decision'),
  ...choice,
  created_ms: z.number(),
  request_id: z.string(),
  parent_id: z.string().nullable().describe('The decision that this one replaced after a failure.'),
  session: z.string(),
  requested_model: z.string(),
  surface: z.string(),
  stream: z.boolean(),
  prompt_tokens: z.number(),
  metadata: z.record(z.string(), z.string()),
  salt: z.string(),
  context: z.object({
    feature_space: z.string(),
    features: z
      .record(z.string(), z.number())
      .describe('By name; by position when the feature space is not the running one.'),
  }),
  served_arm: z.string().nullable().describe('The arm whose answer the caller got.'),
  attempts: z.array(
    z.object({
      index: z.number(),
      at_ms: z.number(),
      arm: z.string(),
      status: z.string(),
      upstream_status: nullableNumber,
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
      finish_reason: z.string().nullable(),
      ttft_ms: nullableNumber,
      total_ms: z.number(),
      prompt_tokens: nullableNumber,
      cached_tokens: nullableNumber,
      completion_tokens: nullableNumber,
      reasoning_tokens: nullableNumber,
      cost_usd: nullableNumber,
      usage_estimated: z.boolean(),
    }),
  ),
  quality: nullableNumber.describe('What the values that count make of it, 0 to 1; null: nothing counts.'),
  rewards: z.array(
    z.object({
      metric: z.string(),
      value: z
        .union([z.number(), z.string()])
        .nullable()
        .describe('null: what was said before is taken back.'),
      at_ms: z.number(),
      source: z.string(),
      source_kind: z.enum(SOURCE_KINDS),
      state: z
        .enum(STANDINGS)
        .describe(
          '`counts` towards quality; `outranked` by a source of a better rank; `replaced` by a later value; a `retraction`; `late`, after the metric’s window; `kept`, no part of quality.',
        ),
      idempotency_key: z.string().nullable(),
    }),
  ),
})
export type DecisionReply = z.output<typeof decisionReplySchema>
