/** What a Claude model can do, by the version in its name. */

export interface ClaudeTraits {
  /** Refused above this; sent when the caller sets no limit, because the field is required. */
  readonly maxOutputTokens: number
  readonly thinking: 'none' | 'budget' | 'adaptive'
  /** `xhigh` is an effort level. */
  readonly xhighEffort: boolean
  /** `temperature`, `top_p`, `top_k` are accepted. */
  readonly sampling: boolean
  /** `temperature` and `top_p` together are accepted. */
  readonly temperatureWithTopP: boolean
  /** `output_config.format` is known. */
  readonly structuredOutput: boolean
  /** The last message may be the assistant's, to be continued. */
  readonly prefill: boolean
  /** Role `system` is known inside `messages`. */
  readonly inlineSystem: boolean
}

/**
 * Names: `claude-3-7-sonnet-20250219`, `claude-opus-4-6`, `claude-haiku-4-5-20251001`, also with a vendor's prefix
 * (`anthropic.claude-…`, `anthropic/claude-sonnet-4.5`). A name without a version is taken for the newest.
 */
export function claudeTraits(model: string): ClaudeTraits {
  const version = versionOf(model)
  return {
    maxOutputTokens: maxOutputTokens(model, version),
    thinking: version >= 406 ? 'adaptive' : version >= 307 ? 'budget' : 'none',
    xhighEffort: version >= 407,
    sampling: version < 407,
    temperatureWithTopP: version < 401,
    structuredOutput: version >= 405 || /opus-4[-.]1/.test(model),
    prefill: version < 406,
    inlineSystem: version >= 408,
  }
}

/** Major × 100 + minor. */
function versionOf(model: string): number {
  const found = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]) * 100 + Number(found[2] ?? 0)
}

function maxOutputTokens(model: string, version: number): number {
  if (version < 305) return 4_096
  if (version < 307) return 8_192
  return version <= 401 && model.includes('opus') ? 32_000 : 64_000
}
