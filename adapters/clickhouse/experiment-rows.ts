/** Experiments as the rest of the program sees them: their steps, exposures, and the sums that analysis asks for. */
import type { DecisionId } from '../../engine/index.ts'

/** A step in an experiment's life. Steps are only ever added. */
export interface ExperimentStepRow {
  /** UUIDv7. */
  readonly id: string
  readonly atMs: number
  /** The experiment's key. */
  readonly experiment: string
  /** 0, 1, … within the experiment. */
  readonly step: number
  readonly action: string
  readonly actor: string
  readonly reason: string
  /** All that is true of the experiment from then on. Read back it is unchecked JSON. */
  readonly state: object
}

/** One decision of a variant's policy. */
export interface AssignmentRow {
  readonly decisionId: DecisionId
  readonly experiment: string
  readonly run: number
  readonly period: number
  readonly variant: string
  /** 16 hexadecimal digits. */
  readonly unit: string
  readonly isFirst: boolean
  readonly probability: number
  readonly tenant: string
  readonly requestClass: string
  readonly promptTokens: number
}

/** What is summed of each decision: a value y, and how much it counts for, d. The metric is Σy/Σd. */
export const MEASURES = [
  /** What was learned of its quality, [0, 1]; over decisions that have one. */
  'quality',
  /** A declared reward; over decisions that have one. */
  'reward',
  /** Quality less what cost, time and failures are worth; over decisions that have a quality. */
  'utility',
  /** USD of a request, all its calls together. */
  'cost_usd',
  'ttft_ms',
  'total_ms',
  /** Calls that failed or were cut, for each request. */
  'error_rate',
  /** Answers that the provider refused to give, of all answers. */
  'refusal_rate',
] as const
export type Measure = (typeof MEASURES)[number]

export interface MeasureQuery {
  readonly measure: Measure
  /** Name of the reward; of `reward` only. */
  readonly reward?: string | undefined
  /** What a dollar, a second, a failed call take from the utility; of `utility` only. */
  readonly rates?:
    | { readonly perUsd: number; readonly perSecond: number; readonly perFailure: number }
    | undefined
  /** Larger values count as this: winsorization. */
  readonly cap?: number | undefined
}

export const SEGMENTS = ['class', 'tenant', 'day'] as const
export type Segment = (typeof SEGMENTS)[number]

/** The part of the log that an analysis is about. */
export interface ExposureSpan {
  readonly experiment: string
  readonly run: number
  readonly fromMs: number
  readonly toMs: number
}

export interface ExperimentQuery extends ExposureSpan {
  readonly measures: readonly MeasureQuery[]
  /** Also sums weighted by the inverse of each unit's probability. @default false */
  readonly weighted?: boolean
  /** Also apart by this. */
  readonly segment?: Segment | undefined
  /**
   * Adjusts by what assignment cannot have changed: `prompt` the mean log length of a unit's prompts; `before` its mean of
   * the same measure before the start, for units that are tenants or users.
   */
  readonly covariate?:
    | { readonly kind: 'prompt' }
    | {
        readonly kind: 'before'
        readonly unit: 'tenant' | 'user'
        /** What units are hashed with. */
        readonly salt: string
        readonly fromMs: number
      }
    | undefined
}

/** Sums over the units with d > 0; see `Moments` and `WeightedMoments` of the statistics. */
export interface MeasureSums {
  readonly n: number
  readonly y: number
  readonly yy: number
  readonly d: number
  readonly dd: number
  readonly yd: number
  /** Of the covariate x; all 0 without one. */
  readonly x: number
  readonly xx: number
  readonly yx: number
  readonly dx: number
  /** Where asked for, else 0. With each unit's v = y/d weighted by the inverse of its probability e: Σ1/e, Σ1/e², Σv/e, Σv/e², Σv²/e². */
  readonly w: number
  readonly ww: number
  readonly wv: number
  readonly wwv: number
  readonly wwvv: number
}

/** Units as they would be, were there an experiment: for its power, before it starts. */
export interface PopulationQuery {
  readonly unit: 'tenant' | 'user' | 'session' | 'request'
  readonly fromMs: number
  readonly toMs: number
  readonly measures: readonly MeasureQuery[]
  /** Only requests for these models, of these classes and tenants; undefined: all. */
  readonly models?: readonly string[] | undefined
  readonly classes?: readonly string[] | undefined
  readonly tenants?: readonly string[] | undefined
}

export interface ExperimentCell {
  /** The first that a unit was given, and when. */
  readonly variant: string
  readonly period: number
  /** Empty where not asked for. */
  readonly segment: string
  /** These units were given more than one variant: they are counted, and of no use. */
  readonly mixed: boolean
  readonly units: number
  readonly requests: number
  readonly exposures: number
  /** Exposures of which a call is on record. */
  readonly outcomes: number
  /** In the order of the query's measures. */
  readonly sums: readonly MeasureSums[]
}

export interface QuantileQuery extends ExposureSpan {
  readonly measure: 'ttft_ms' | 'total_ms' | 'cost_usd'
  /** Levels by variant, each in [0, 1]. */
  readonly levels: ReadonlyMap<string, readonly number[]>
}

/** Of one variant: how the values at or below a threshold spread over units. */
export interface ShareBelow {
  readonly variant: string
  readonly units: number
  readonly below: number
  readonly belowSquares: number
  readonly values: number
  readonly valueSquares: number
  readonly products: number
}

export interface PopulationCell extends ExperimentCell {
  /** Time of the first decision of the span that counts, Unix ms. */
  readonly firstMs: number
}

/** The part of the store that knows experiments. */
export interface ExperimentStore {
  /**
   * Resolves when the step is durable.
   * @returns false where another step has that number already: what counts is that one
   * @throws {StoreError} `store_unavailable`
   */
  appendExperimentStep(row: ExperimentStepRow): Promise<boolean>
  /** Those that count, of one experiment or all, in the order of their numbers. @throws {StoreError} `store_unavailable` */
  readExperimentSteps(query?: { readonly experiment?: string }): Promise<readonly ExperimentStepRow[]>
  /** The newest step of every experiment. @throws {StoreError} `store_unavailable` */
  readExperiments(): Promise<readonly ExperimentStepRow[]>
  /** Never blocks and never throws, as all append calls. */
  appendAssignment(row: AssignmentRow): void
  /** Written rows only. @throws {StoreError} `store_unavailable` */
  experimentCells(query: ExperimentQuery): Promise<readonly ExperimentCell[]>
  /** All units together, as one variant. Written rows only. @throws {StoreError} `store_unavailable` */
  populationCell(query: PopulationQuery): Promise<PopulationCell | undefined>
  /** Order statistics of the values of each variant, in the order of its levels. Written rows only. @throws {StoreError} */
  experimentQuantiles(query: QuantileQuery): Promise<ReadonlyMap<string, readonly number[]>>
  /** @param thresholds by variant. Written rows only. @throws {StoreError} `store_unavailable` */
  experimentShares(
    query: Omit<QuantileQuery, 'levels'> & { readonly thresholds: ReadonlyMap<string, number> },
  ): Promise<readonly ShareBelow[]>
}
