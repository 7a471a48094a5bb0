import { z } from 'zod'

/** OpenAI's model object; everything after `owned_by` is ours. */
export const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number(),
  owned_by: z.string().describe('The provider of an arm; `highwayman` for virtual models and aliases.'),
  kind: z.enum(['arm', 'virtual', 'alias']),
  arms: z.array(z.string()).optional().describe('Of virtual models: what may answer.'),
  policy: z.looseObject({ name: z.string() }).optional().describe('That serves all but the canary’s share.'),
  policy_hash: z.string().optional().describe('Of a policy file that was promoted.'),
  alias_of: z.string().optional(),
  pricing: z
    .object({
      input_usd_per_mtok: z.number(),
      output_usd_per_mtok: z.number(),
      cached_input_usd_per_mtok: z.number().optional(),
      cache_write_usd_per_mtok: z.number().optional(),
    })
    .optional(),
  context_window: z.number().optional().describe('Prompt and answer together, tokens.'),
  max_output_tokens: z.number().optional(),
  capabilities: z.array(z.string()).optional(),
  region: z.string().optional(),
  tags: z.array(z.string()).optional(),
})
export type ModelReply = z.output<typeof modelSchema>

export const modelListSchema = z.object({ object: z.literal('list'), data: z.array(modelSchema) })
