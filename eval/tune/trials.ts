/** Trials of settings at rising cost, and what is tried once the features have been found. */
import type { Dataset } from '../../datasets/index.ts'
import type { Pace } from '../replay/world.ts'
import type { Rung, Scored } from './halving.ts'
import { HELD_OUT_FIDELITY } from './held-out.ts'
import type { Fidelity, Objective } from './objective.ts'
import { type Part, STEP_MS, worldOf } from './problem.ts'
import { type Candidate, leastExploring, type SearchSpace } from './search-space.ts'

export const INNER_FOLDS = 4

export interface Level extends Fidelity {
  readonly folds: number
}

export interface Search {
  score(candidate: Candidate, level: Level): Promise<number>
  /** By fold, when it was last scored. */
  foldScores(candidate: Candidate): readonly number[]
  /** Settings that were tried, and whether none was left out. */
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

export function searchOf(
  options: SearchOptions,
  objective: Objective,
  parts: readonly Part[],
  pace: Pace,
  rungs: readonly Rung<Level>[],
): Search {
  const total = rungs.reduce((sum, { level, keep }) => sum + keep * level.folds, 0)
  const tried = new Map<Candidate, readonly number[]>()
  let done = 0
  let isComplete = true
  return {
    async score(candidate, { folds, ...fidelity }) {
      const isLate = options.deadlineMs !== undefined && (options.nowMs?.() ?? 0) >= options.deadlineMs
      // The first trial is never left out: something has to win.
      if (isLate && tried.size > 0) {
        isComplete = false
        if (!tried.has(candidate)) return Number.NEGATIVE_INFINITY
      }
      const scores: number[] = []
      for (const part of parts.slice(0, folds)) {
        const world = worldOf(options.dataset, part, candidate, pace, STEP_MS)
        scores.push((await objective.judge(world, fidelity)).score)
        options.onProgress?.(Math.min(++done, total), total)
      }
      tried.set(candidate, scores)
      return scores.reduce((sum, score) => sum + score, 0) / folds
    },
    foldScores: (candidate) => tried.get(candidate) ?? [],
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

/**
 * What is learnt and how it is used are searched together but matter apart: the best features with the policies of the other
 * finalists, and with what explores least of the space. Then text has to earn its place: it goes where it is not better by more than one standard
 * error over the folds (the one-standard-error rule: Breiman et al. 1984), because what is won by less was won by chance.
 *
 * @returns best first
 */
export async function polished(
  ranked: readonly Scored<Candidate>[],
  search: Search,
  { fix, space }: { readonly fix: (candidate: Candidate) => Candidate; readonly space: SearchSpace },
): Promise<readonly Scored<Candidate>[]> {
  const tried = async (setting: Candidate) => ({ setting, score: await search.score(setting, LAST_LEVEL) })
  const [first, ...others] = ranked
  const policies = [
    ...others.slice(0, LAST_KEEP - 1).map(({ setting }) => setting),
    fix(leastExploring(space, first!.setting)),
  ]
  const crossed: Scored<Candidate>[] = []
  for (const { policy, floor } of policies) crossed.push(await tried({ ...first!.setting, policy, floor }))
  const all = [...ranked, ...crossed].toSorted((one, other) => other.score - one.score)
  const [best] = all
  if (best === undefined || best.setting.textComponents === 0) return all
  const plain = await tried({ ...best.setting, textComponents: 0 })
  // The clock came first.
  if (plain.score === Number.NEGATIVE_INFINITY) return all
  const gains = differences(search.foldScores(best.setting), search.foldScores(plain.setting))
  const { mean, standardError } = meanOf(gains)
  if (mean > standardError) return [...all, plain].toSorted((one, other) => other.score - one.score)
  return [plain, ...all]
}

function differences(one: readonly number[], other: readonly number[]): number[] {
  return one.map((value, i) => value - other[i]!)
}

function meanOf(values: readonly number[]): { readonly mean: number; readonly standardError: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) }
}
