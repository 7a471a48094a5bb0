/**
 * The six invented arms. Prices span 50×, the median time of a 150-token answer 8×, and every arm is the best value for
 * some class: which one depends on what is asked, and so there is something to learn.
 */
import type { Dialect, LatencyModel } from '../types.ts'
import type { RequestClass } from './requests/index.ts'

export interface ArmRecipe {
  readonly wire: Dialect
  readonly inputUsdPerMtok: number
  readonly outputUsdPerMtok: number
  readonly contextWindowTokens: number
  readonly latency: LatencyModel
  /** Answer length relative to the class's own. */
  readonly verbosity: number
  /** Tokens that this family's tokenizer makes of four bytes. */
  readonly tokensPerFourBytes: number
  /** Quality of a prompt of middling difficulty, (0, 1). The simulated mean lies near it. */
  readonly skill: Readonly<Record<RequestClass, number>>
}

/** `skill` has the classes in this order: chat, code, math, reasoning, extraction, summarization, translation, creative, tool-use, long-context. */
export const ARMS: Readonly<Record<string, ArmRecipe>> = {
  'sim-openai/turnpike-large': {
    wire: 'openai-compatible',
    inputUsdPerMtok: 5,
    outputUsdPerMtok: 20,
    contextWindowTokens: 200_000,
    latency: { ttftMsP50: 1_100, ttftMsP95: 1_290, tpotMsP50: 35, tpotMsP95: 42 },
    verbosity: 1.15,
    tokensPerFourBytes: 1,
    skill: skills(0.85, 0.78, 0.92, 0.88, 0.87, 0.78, 0.8, 0.7, 0.82, 0.74),
  },
  'sim-openai/turnpike-mini': {
    wire: 'openai-compatible',
    inputUsdPerMtok: 0.4,
    outputUsdPerMtok: 1.6,
    contextWindowTokens: 128_000,
    latency: { ttftMsP50: 390, ttftMsP95: 630, tpotMsP50: 11, tpotMsP95: 14 },
    verbosity: 0.85,
    tokensPerFourBytes: 1,
    skill: skills(0.81, 0.62, 0.62, 0.56, 0.85, 0.76, 0.72, 0.58, 0.86, 0.48),
  },
  'sim-anthropic/bramble-large': {
    wire: 'anthropic',
    inputUsdPerMtok: 3,
    outputUsdPerMtok: 15,
    contextWindowTokens: 200_000,
    latency: { ttftMsP50: 800, ttftMsP95: 1_250, tpotMsP50: 24, tpotMsP95: 30 },
    verbosity: 1.2,
    tokensPerFourBytes: 1.12,
    skill: skills(0.86, 0.92, 0.72, 0.76, 0.85, 0.82, 0.78, 0.92, 0.7, 0.74),
  },
  'sim-anthropic/bramble-small': {
    wire: 'anthropic',
    inputUsdPerMtok: 0.25,
    outputUsdPerMtok: 1,
    contextWindowTokens: 100_000,
    latency: { ttftMsP50: 270, ttftMsP95: 540, tpotMsP50: 7, tpotMsP95: 9 },
    verbosity: 0.95,
    tokensPerFourBytes: 1.12,
    skill: skills(0.8, 0.64, 0.46, 0.48, 0.82, 0.87, 0.7, 0.74, 0.58, 0.56),
  },
  'sim-google/lantern-pro': {
    wire: 'google',
    inputUsdPerMtok: 1.25,
    outputUsdPerMtok: 5,
    contextWindowTokens: 1_000_000,
    latency: { ttftMsP50: 520, ttftMsP95: 840, tpotMsP50: 15, tpotMsP95: 20 },
    verbosity: 1,
    tokensPerFourBytes: 0.96,
    skill: skills(0.82, 0.72, 0.76, 0.7, 0.85, 0.8, 0.92, 0.7, 0.66, 0.92),
  },
  'sim-google/lantern-lite': {
    wire: 'google',
    inputUsdPerMtok: 0.1,
    outputUsdPerMtok: 0.4,
    contextWindowTokens: 1_000_000,
    latency: { ttftMsP50: 210, ttftMsP95: 340, tpotMsP50: 4, tpotMsP95: 5 },
    verbosity: 0.75,
    tokensPerFourBytes: 0.96,
    skill: skills(0.84, 0.44, 0.38, 0.4, 0.87, 0.7, 0.74, 0.54, 0.5, 0.6),
  },
}

function skills(
  ...values: readonly [number, number, number, number, number, number, number, number, number, number]
) {
  const [
    chat,
    code,
    math,
    reasoning,
    extraction,
    summarization,
    translation,
    creative,
    toolUse,
    longContext,
  ] = values
  return {
    chat,
    code,
    math,
    reasoning,
    extraction,
    summarization,
    translation,
    creative,
    'tool-use': toolUse,
    'long-context': longContext,
  }
}

/** `models.json` as it is bundled. */
export function modelsJson(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(ARMS).map(([arm, recipe]) => [
      arm,
      {
        input_usd_per_mtok: recipe.inputUsdPerMtok,
        output_usd_per_mtok: recipe.outputUsdPerMtok,
        price_source:
          'invented: this arm does not exist; its outcomes and latency are simulated, not measured',
        latency: {
          ttft_ms_p50: recipe.latency.ttftMsP50,
          ttft_ms_p95: recipe.latency.ttftMsP95,
          tpot_ms_p50: recipe.latency.tpotMsP50,
          tpot_ms_p95: recipe.latency.tpotMsP95,
        },
        context_window: recipe.contextWindowTokens,
        wire: recipe.wire,
      },
    ]),
  )
}
