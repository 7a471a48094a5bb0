/** How an OpenAI-shaped upstream differs from OpenAI: what the config says, else what is known of the host. */
import type { OpenAiQuirks, ProviderConfig } from '../spec.ts'

export interface Quirks extends Required<OpenAiQuirks> {
  readonly seedField: 'seed' | 'random_seed'
  /** What `tool_choice: "required"` is called. */
  readonly requiredToolChoice: 'required' | 'any'
  /**
   * What becomes of `reasoning_content`, `reasoning` and `reasoning_details` in earlier assistant messages: refused as
   * unknown fields by some, needed by others while the model is between tool calls, wanted back unchanged by OpenRouter.
   */
  readonly pastReasoning: 'drop' | 'current-turn' | 'keep'
  /** Non-streaming calls with a larger token limit are refused: stream those and fold. */
  readonly unaryMaxTokens: number
  /**
   * Report `tool_calls` where the upstream says `stop` after calls. OpenAI itself says `stop` for a forced tool, and what it
   * says stands.
   */
  readonly repairStopAfterTools: boolean
  /** Reasoning models answer sampling options with a 400. */
  readonly modelsRefuseSampling: boolean
  /** A last assistant message is continued only when it is marked with `prefix: true`. */
  readonly marksPrefix: boolean
}

const COMMON: Quirks = {
  maxTokensField: 'max_tokens',
  dropFields: [],
  developerRole: 'system',
  streamUsageOption: true,
  toolIdFormat: 'any',
  seedField: 'seed',
  requiredToolChoice: 'required',
  pastReasoning: 'current-turn',
  unaryMaxTokens: Number.POSITIVE_INFINITY,
  repairStopAfterTools: true,
  modelsRefuseSampling: false,
  marksPrefix: false,
}
const OPENAI: Partial<Quirks> = {
  maxTokensField: 'max_completion_tokens',
  developerRole: 'developer',
  pastReasoning: 'drop',
  repairStopAfterTools: false,
  modelsRefuseSampling: true,
}

/** By the end of the host name. */
const BY_HOST: readonly (readonly [suffix: string, Partial<Quirks>])[] = [
  ['api.openai.com', OPENAI],
  ['.openai.azure.com', OPENAI],
  [
    'api.mistral.ai',
    {
      streamUsageOption: false,
      toolIdFormat: 'alphanumeric-9',
      seedField: 'random_seed',
      requiredToolChoice: 'any',
      marksPrefix: true,
      pastReasoning: 'drop',
      // Bodies are checked strictly: an unknown field is a 422.
      dropFields: ['logit_bias', 'logprobs', 'top_logprobs', 'user', 'store', 'service_tier'],
    },
  ],
  ['api.groq.com', { dropFields: ['logit_bias', 'logprobs', 'top_logprobs'], pastReasoning: 'drop' }],
  [
    'api.cerebras.ai',
    { dropFields: ['frequency_penalty', 'presence_penalty', 'logit_bias'], pastReasoning: 'drop' },
  ],
  ['api.fireworks.ai', { unaryMaxTokens: 4096 }],
  ['openrouter.ai', { pastReasoning: 'keep' }],
]

/** The config's own words come first. */
export function resolveQuirks({ baseUrl, quirks }: ProviderConfig): Quirks {
  const { hostname } = new URL(baseUrl)
  const known = BY_HOST.find(([suffix]) => hostname === suffix || hostname.endsWith(suffix))?.[1]
  return { ...COMMON, ...known, ...quirks }
}
