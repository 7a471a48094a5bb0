/** What a Gemini model can do, by the version in its name. */

export interface GeminiTraits {
  /** How thinking is asked for: not at all, by a budget of tokens (2.5), by a level (3 and later). */
  readonly thinking: 'none' | 'budget' | 'level'
  /** Pro models think always. */
  readonly canStopThinking: boolean
  /** Function calls of earlier turns are refused without a thought signature. */
  readonly needsSignature: boolean
}

/** `gemini-2.5-flash`, `gemini-3.1-pro-preview`, also below `models/`. A name without a version is taken for the newest. */
export function geminiTraits(model: string): GeminiTraits {
  const found = /gemini-(\d+)(?:\.(\d+))?/.exec(model)
  const version = found === null ? Number.POSITIVE_INFINITY : Number(found[1]) * 100 + Number(found[2] ?? 0)
  return {
    thinking: version >= 300 ? 'level' : version >= 205 ? 'budget' : 'none',
    canStopThinking: !model.includes('pro'),
    needsSignature: version >= 300,
  }
}
