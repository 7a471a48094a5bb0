/** Policies on their way from a file to all traffic: what operators send, and what they are told. */
import { z } from 'zod'
import { ROLLOUT_ACTIONS, ROLLOUT_OUTCOMES } from '../../../adapters/index.ts'
import { DEFAULT_FLOOR } from '../../../engine/index.ts'
import { DEFAULT_MODEL } from '../../pipeline/resolve-model.ts'
import { policySchema } from './decision.ts'

const TEXT_CHARS_MAX = 2_000
const ACTOR_CHARS_MAX = 256

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the 64 hex digits of a policy’s hash')
  .describe('Of the policy file: `policies` and `promote` print it.')
const actor = z
  .string()
  .min(1)
  .max(ACTOR_CHARS_MAX)
  .default('api')
  .describe('Who does it; kept with the step.')
const model = z
  .string()
  .min(1)
  .max(256)
  .default(DEFAULT_MODEL)
  .describe(`A virtual model. Default: \`${DEFAULT_MODEL}\`.`)
const reason = z.string().max(TEXT_CHARS_MAX).default('').describe('Why; kept with the step.')

export const policyParamsSchema = z.object({ hash })

export const uploadBodySchema = z.strictObject({
  policy: z.unknown().describe('A policy file, as `highwayman tune` or `fit` writes it.'),
  actor,
})
export type UploadBody = z.output<typeof uploadBodySchema>

export const draftBodySchema = z.strictObject({
  policy: policySchema.describe('`{"name": "thompson", "exploration": 0.5}`: as in the configuration.'),
  floor: z
    .number()
    .gte(0)
    .lt(1)
    .default(DEFAULT_FLOOR)
    .describe('Probability spread evenly over the eligible arms.'),
})
export const draftReplySchema = z.looseObject({}).describe('A policy file. Nothing is put on record.')

export const evaluationBodySchema = z.strictObject({
  evaluation: z.unknown().describe('What `highwayman evaluate --json` prints.'),
  against: z
    .string()
    .min(1)
    .max(64)
    .default('logged')
    .describe('What it is compared with: `logged`, whatever made the log; `configured`; or a policy’s hash.'),
  actor,
})
export type EvaluationBody = z.output<typeof evaluationBodySchema>

export const promoteBodySchema = z.strictObject({
  hash,
  model,
  share: z
    .number()
    .gt(0)
    .lte(1)
    .optional()
    .describe('Of the traffic; 1 is all of it, for good. Default: `promotion.canaryShare`.'),
  force: z.boolean().default(false).describe('Do it although the gate refuses; needs a reason.'),
  reason,
  actor,
})
export type PromoteBody = z.output<typeof promoteBodySchema>

export const rollbackBodySchema = z.strictObject({ model, reason, actor })
export type RollbackBody = z.output<typeof rollbackBodySchema>

export const uploadReplySchema = z.object({
  object: z.literal('policy'),
  hash: z.string(),
  is_new: z.boolean().describe('False: it was on record already.'),
})
export type UploadReply = z.output<typeof uploadReplySchema>

const reasons = z.array(z.object({ code: z.string(), message: z.string() }))

export const evaluationReplySchema = z.object({
  object: z.literal('evaluation'),
  id: z.string(),
  at_ms: z.number(),
  hash: z.string().describe('Of the policy that is judged.'),
  against: z.string(),
  actor: z.string(),
  evaluation: z.looseObject({}),
})
export type EvaluationReply = z.output<typeof evaluationReplySchema>

export const rolloutSchema = z.object({
  object: z.literal('rollout'),
  id: z.string(),
  at_ms: z.number(),
  model: z.string(),
  action: z.enum(ROLLOUT_ACTIONS),
  outcome: z.enum(ROLLOUT_OUTCOMES),
  hash: z
    .string()
    .nullable()
    .describe('The policy it is about; of a rollback the one in charge since. null: the configuration’s.'),
  share: z.number().describe('What its share became, or would have become.'),
  forced: z.boolean().describe('It was done although the gate refused, for `reasons`.'),
  reason: z.string(),
  reasons: reasons.describe('Why the gate refused.'),
  evaluation_id: z.string().nullable().describe('What the gate looked at.'),
  actor: z.string(),
})
export type RolloutReply = z.output<typeof rolloutSchema>

const servingSchema = z.object({
  model: z.string(),
  live: z.string().nullable().describe('Hash of the policy that serves; null: the configuration’s.'),
  live_since_ms: z.number().nullable(),
  canary: z.object({ hash: z.string(), share: z.number(), since_ms: z.number() }).nullable(),
})

export const policyListingSchema = z.object({
  hash: z.string(),
  at_ms: z.number(),
  actor: z.string().describe('Who handed it in.'),
  policy: policySchema,
  feature_space: z.string(),
  provenance: z.looseObject({}),
  evaluations: z.number().describe('On record.'),
  latest_evaluation: z
    .object({ id: z.string(), at_ms: z.number(), against: z.string(), refused: z.boolean() })
    .nullable(),
  serving: z
    .array(z.object({ model: z.string(), as: z.enum(['live', 'canary']), share: z.number() }))
    .describe('What it serves by what is on record.'),
})
export type PolicyListingReply = z.output<typeof policyListingSchema>

export const policyListSchema = z.object({ object: z.literal('list'), data: z.array(policyListingSchema) })
export type PolicyListReply = z.output<typeof policyListSchema>

export const policyReplySchema = policyListingSchema.extend({
  object: z.literal('policy'),
  evaluations_on_record: z.array(evaluationReplySchema).describe('The newest first.'),
  file: z.looseObject({}).describe('The policy file.'),
})
export type PolicyReply = z.output<typeof policyReplySchema>

export const rolloutsQuerySchema = z.strictObject({
  model: z.string().min(1).max(256).optional().describe('Only of this virtual model.'),
})

export const rolloutListSchema = z.object({
  object: z.literal('list'),
  data: z.array(rolloutSchema).describe('Every step, refused ones included; the oldest first.'),
  serving: z.array(servingSchema).describe('What follows from them.'),
})
export type RolloutListReply = z.output<typeof rolloutListSchema>
