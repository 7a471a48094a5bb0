/** Trials of settings at rising cost, until the time is up. */
import type { Dataset } from '../../datasets/index.ts'
import type { Pace } from '../replay/world.ts'
import { type Errors, squaredErrors } from './features.ts'
import type { Rung } from './halving.ts'
import { HELD_OUT_FIDELITY } from './held-out.ts'
import type { Fidelity, Objective } from './objective.ts'
import { type Part, STEP_MS, worldOf } from './problem.ts'
import type { Candidate } from './search-space.ts'

export const INNER_FOLDS = 4

export interface Level extends Fidelity {
  readonly folds: number
}

export interface Search {
  /** By the objective; −∞ when the time is up. */
  score(candidate: Candidate, level: Level): Promise<number>
  /** How far off it is, by row of all folds; see `squaredErrors`. */
  errors(candidate: Candidate): Promise<Errors>
  /** Settings that were scored, and whether none was left out. */
  tried(): number
  complete(): boolean
}

/** What a search needs of its options. */
export interface SearchOptions {
  readonly dataset: Dataset
  readonly deadlineMs?: number
  readonly nowMs?: () => number
  readonly onProgress?: (done: number, total: number) => void
}

/** @param features settings whose errors are asked for at most, for progress */
export function searchOf(
  options: SearchOptions,
  objective: Objective,
  parts: readonly Part[],
  pace: Pace,
  rungs: readonly Rung<Level>[],
  features: number,
): Search {
  const total = features * parts.length + rungs.reduce((sum, { level, keep }) => sum + keep * level.folds, 0)
  const tried = new Set<Candidate>()
  let done = 0
  let isComplete = true
  const timeIsUp = () => {
    const isUp = options.deadlineMs !== undefined && (options.nowMs?.() ?? 0) >= options.deadlineMs
    if (isUp) isComplete = false
    return isUp
  }
  const tick = () => options.onProgress?.(Math.min(++done, total), total)
  const inWorld = (part: Part, candidate: Candidate) =>
    worldOf(options.dataset, part, candidate, pace, STEP_MS)
  return {
    async score(candidate, { folds, ...fidelity }) {
      // The first trial is never left out: something has to win.
      if (tried.size > 0 && timeIsUp() && !tried.has(candidate)) return Number.NEGATIVE_INFINITY
      let sum = 0
      for (const part of parts.slice(0, folds)) {
        sum += (await objective.judge(inWorld(part, candidate), fidelity)).score
        tick()
      }
      tried.add(candidate)
      return sum / folds
    },
    async errors(candidate) {
      if (timeIsUp()) return undefined
      const errors: number[] = []
      for (const part of parts) {
        for (const error of await squaredErrors(inWorld(part, candidate))) errors.push(error)
        tick()
      }
      return Float64Array.from(errors)
    },
    tried: () => tried.size,
    complete: () => isComplete,
  }
}

/** A coarser curve lies below its hull by as much as finalists differ by. */
const LAST_LEVEL: Level = { folds: INNER_FOLDS, curvePoints: HELD_OUT_FIDELITY.curvePoints, seeds: 2 }
const LAST_KEEP = 3
/** Rows to tune on, of which a fold tells enough for a first look. */
const ROWS_OF_ONE_FOLD = 1_000

/** Few rows are judged on more folds from the start: they are cheap, and one fold of them says little. */
export function rungsOf(trials: number, rows: number): readonly Rung<Level>[] {
  const folds = rows < 2 * ROWS_OF_ONE_FOLD ? INNER_FOLDS : rows < 4 * ROWS_OF_ONE_FOLD ? 2 : 1
  const next = Math.max(folds, 2)
  return [
    { level: { folds, curvePoints: 8, seeds: 1 }, keep: trials },
    { level: { folds: next, curvePoints: 12, seeds: 1 }, keep: Math.max(Math.ceil(trials / 3), LAST_KEEP) },
    { level: LAST_LEVEL, keep: Math.max(Math.ceil(trials / 9), LAST_KEEP) },
  ]
}
