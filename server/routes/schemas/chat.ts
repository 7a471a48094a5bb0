/** The body of `POST /v1/chat/completions`: strict about what decides the routing, open for everything else. */
import { z } from 'zod'
import { extensionsSchema } from './extensions.ts'

const MESSAGES_MAX = 10_000
const TOOLS_MAX = 1_024

/** Parts of a kind that is not known here pass through: an arm may know them. */
const contentPart = z
  .looseObject({
    type: z.string(),
    text: z.string().optional(),
    image_url: z.looseObject({ url: z.string() }).optional(),
    refusal: z.string().optional(),
  })
  .check((context) => {
    const { type, text, image_url, refusal } = context.value
    if (type === 'text' && text === undefined) report(context, 'text', 'string')
    if (type === 'refusal' && refusal === undefined) report(context, 'refusal', 'string')
    if (type === 'image_url' && image_url === undefined) report(context, 'image_url', 'object')
  })

function report(context: z.core.ParsePayload<unknown>, field: string, expected: 'string' | 'object'): void {
  context.issues.push({
    code: 'invalid_type',
    expected,
    path: [field],
    message: `expected ${expected}, received undefined`,
    input: context.value,
  })
}

const toolCall = z.looseObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
})

const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(contentPart), z.null()]).optional(),
  name: z.string().optional(),
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: z.string().optional(),
})

const tool = z.looseObject({
  type: z.string(),
  function: z
    .looseObject({
      name: z.string().min(1),
      description: z.string().nullish(),
      parameters: z.looseObject({}).nullish(),
      strict: z.boolean().nullish(),
    })
    .optional(),
})

const tokenLimit = () => z.number().int().min(1).nullish()

export const chatBodySchema = z
  .looseObject({
    model: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('An arm (`provider/model`), a virtual model or an alias. Default: `auto`.'),
    models: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(32)
      .optional()
      .describe('Models to be tried in this order, after `model` when that is given too.'),
    messages: z.array(message).min(1).max(MESSAGES_MAX),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: tokenLimit(),
    max_completion_tokens: tokenLimit(),
    temperature: z.number().nullish(),
    top_p: z.number().nullish(),
    n: z.number().int().min(1).max(128).nullish(),
    stop: z.union([z.string(), z.array(z.string()), z.null()]).optional(),
    seed: z.number().int().nullish(),
    logprobs: z.boolean().nullish(),
    tools: z.array(tool).max(TOOLS_MAX).nullish(),
    tool_choice: z.union([z.string(), z.looseObject({ type: z.string() }), z.null()]).optional(),
    parallel_tool_calls: z.boolean().nullish(),
    response_format: z.looseObject({ type: z.string(), json_schema: z.looseObject({}).optional() }).nullish(),
    reasoning_effort: z.string().nullish(),
    user: z.string().nullish(),
    safety_identifier: z.string().nullish().describe('What `user` is called now; it goes before that.'),
    highwayman: extensionsSchema.optional().describe('Wishes for the routing of this request.'),
  })
  .describe('An OpenAI chat completion request; unknown fields pass through to arms of the same shape.')
export type ChatBody = z.output<typeof chatBodySchema>
