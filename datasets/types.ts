/** Typed records of an outcome dataset: for each prompt, what every arm answered and what it cost. */
import type { DatasetFormat } from './formats/source.ts'
import type { ReadOptions } from './read/options.ts'

export interface ArmOutcome {
  /** [0, 1]. */
  readonly quality: number
  /** `undefined`: the source tells no cost, and no prices with which its tokens would have one. */
  readonly costUsd: number | undefined
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}

/** One prompt with the outcome of every arm that has one. */
export interface PromptRow {
  readonly promptId: string
  readonly split: string
  readonly task: string
  /** The request class: the row's `category`, else its `task`. */
  readonly category: string
  readonly prompt: string
  /** True: the source asks to leave the row out of scores, because a model was trained on it. */
  readonly contaminated?: boolean
  readonly outcomes: ReadonlyMap<string, ArmOutcome>
}

/** Wire formats an arm may speak, by the names that a config gives them. */
export const DIALECTS = ['openai-compatible', 'anthropic', 'google'] as const
export type Dialect = (typeof DIALECTS)[number]

/** `models.json`: list price and, in our own sets, what the simulator needs besides. */
export interface ModelInfo {
  readonly inputUsdPerMtok: number
  readonly outputUsdPerMtok: number
  /** What a request costs on average, for outcomes that tell neither a cost nor both token counts. */
  readonly usdPerRequest?: number | undefined
  readonly latency: LatencyModel | undefined
  /** Where `latency` comes from when it was not observed with the outcomes: `joined from …, not observed`. */
  readonly latencySource?: string | undefined
  /** Prompt and answer together, tokens. */
  readonly contextWindowTokens: number | undefined
  readonly wire: Dialect | undefined
}
/** Log-normal time to first token; tokens then come at a log-normal pace. All ms. */
export interface LatencyModel {
  readonly ttftMsP50: number
  readonly ttftMsP95: number
  readonly tpotMsP50: number
  readonly tpotMsP95: number
}

export interface Dataset {
  readonly name: string
  readonly folder: string
  readonly models: ReadonlyMap<string, ModelInfo>
  /** What the rows are read from; absent of sets that were made in memory. */
  readonly origin?: DatasetOrigin
  /** Streams the rows in file order, validated. @throws {DatasetError} naming file, line and field. */
  rows(options?: ReadOptions): AsyncIterable<PromptRow>
}

export interface DatasetOrigin {
  readonly format: DatasetFormat
  /** In the order in which they are read. */
  readonly files: readonly string[]
  /** Licence of the data, where the set tells it. */
  readonly licence: string | undefined
}

export const DATASET_ERROR_CODES = [
  'dataset_not_found',
  'dataset_bad_line',
  'dataset_bad_mapping',
  'dataset_bad_models',
  'dataset_bad_option',
  'dataset_bad_scenario',
  'dataset_checksum',
  'dataset_empty',
  'dataset_fetch_failed',
  'dataset_unreadable',
] as const
export class DatasetError extends Error {
  override readonly name = 'DatasetError'
  readonly code: (typeof DATASET_ERROR_CODES)[number]
  /** What else is wrong with the same record. */
  readonly more: readonly string[]
  constructor(
    code: (typeof DATASET_ERROR_CODES)[number],
    message: string,
    options?: { cause?: unknown; more?: readonly string[] },
  ) {
    super(message, options)
    this.code = code
    this.more = options?.more ?? []
  }
}
