/** Searches for the settings of a policy on rows whose every outcome is known, and writes down what it found and how. */
import type { Dataset } from '../datasets/index.ts'
import {
  createPolicyFile,
  DEFAULT_FLOOR,
  type PolicyFile,
  type PolicySpec,
  type TuningProvenance,
  writeTextProjection,
} from '../engine/index.ts'
import { type BaselineName, runBaselines, singlePoints } from './baselines/index.ts'
import { averageQuality } from './curve.ts'
import { EvaluationError } from './errors.ts'
import { bootstrap } from './intervals/bootstrap.ts'
import type { Interval } from './intervals/interval.ts'
import { type ClassBy, type OutcomeTable, type Selection, selectOutcomes } from './outcome-table.ts'
import { parsePolicyName } from './policy-name.ts'
import { randomStream } from './random.ts'
import { replayArms } from './replay/arms.ts'
import { exchangeRate, readRows } from './replay/prepare.ts'
import { describeRows } from './replay/requests.ts'
import { createPace, type Pace } from './replay/world.ts'
import type { RowOutcomes } from './row-outcomes.ts'
import { exchangeRateGrid } from './sweep.ts'
import { fullInformationSums } from './tune/full-sums.ts'
import { type Rung, type Scored, successiveHalving } from './tune/halving.ts'
import { type Fidelity, type Objective, type ObjectiveName, objectiveOf } from './tune/objective.ts'
import { type Part, partOf, partsOf, textOf, worldOf } from './tune/problem.ts'
import {
  type Candidate,
  defaultCandidate,
  drawCandidate,
  FROZEN_SPACE,
  leastExploring,
  ONLINE_SPACE,
  type SearchSpace,
} from './tune/search-space.ts'

export interface TuneOptions {
  readonly dataset: Dataset
  /** Splits to tune on; no row of another one is looked at. @default ['train'] */
  readonly splits?: readonly string[]
  readonly tasks?: readonly string[]
  readonly arms?: readonly string[]
  readonly classBy?: ClassBy
  /** @default 'aiq' */
  readonly objective?: ObjectiveName
  /** Of `reward` and `online`: w in utility = quality − w · cost / (mean cost of the dearest arm). @default 0 */
  readonly costWeight?: number
  /** Fixes the policy, or the floor, which else are searched. */
  readonly policy?: PolicySpec | string
  readonly floor?: number
  /** Settings to try, ≥ 1; the first are the defaults. @default 30 */
  readonly trials?: number
  /** Ends the search early: no trial begins after `nowMs` has passed it. Then the result depends on the machine. */
  readonly deadlineMs?: number
  /** @default a clock that stands still */
  readonly nowMs?: () => number
  /** @default 1 */
  readonly seed?: number
  /** @default by the objective */
  readonly space?: SearchSpace
  /** When the file is made, Unix ms, and by what. */
  readonly createdMs: number
  readonly versions: Readonly<Record<string, string>>
  /** Trials of one fold that are done, and in all. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface TuneResult {
  readonly file: PolicyFile
  readonly best: Candidate
  readonly tuning: TuningProvenance
  /** What the figure of the objective is called. */
  readonly title: string
  /** Of the last rung, best first. */
  readonly finalists: readonly Scored<Candidate>[]
  /** False: the deadline came first. */
  readonly complete: boolean
  readonly dataset: string
  readonly rows: number
  readonly arms: readonly string[]
}

/** Every so many-th row is held out of the search for the honest number. */
const HELD_OUT_FOLDS = 5
const INNER_FOLDS = 4
const HELD_OUT_FIDELITY: Fidelity = { curvePoints: 24, seeds: 3 }
const BESIDE: readonly BaselineName[] = ['random', 'bestSingleTrain', 'categoryMean']
const STEP_MS = 1_000

interface Level extends Fidelity {
  readonly folds: number
}

/**
 * A random search with successive halving. A fifth of the rows is held out. On the others every trial is fitted and judged in
 * inner cross-validation, a third of the trials more closely, and a ninth on all folds. The best is fitted on those others
 * and judged once on the held-out rows: that is the number of the file. The file itself is then fitted on all rows.
 *
 * Without a deadline the same options give the same file, to the last bit.
 *
 * @throws {EvaluationError} `eval_bad_option`, `eval_no_rows` for a split with too few rows, and as `replay` does
 * @throws the signal's reason when aborted
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const settings = settingsOf(options)
  const { objective, seed, space, trials } = settings
  const table = await tableOf(options)
  const [outer] = partsOf(table, HELD_OUT_FOLDS, 'tune-held-out')
  if (
    outer === undefined ||
    outer.judged.rowCount < INNER_FOLDS ||
    outer.fitted.rowCount < 10 * INNER_FOLDS
  ) {
    throw new EvaluationError(
      'eval_no_rows',
      `${table.rowCount} rows are too few to tune on; give 100 or more`,
    )
  }
  const inner = partsOf(outer.fitted, INNER_FOLDS, 'tune-inner')
  const pace = createPace(Number.POSITIVE_INFINITY, undefined, options.signal)
  const rungs = rungsOf(trials, outer.fitted.rowCount)
  const search = searchOf(options, objective, inner, pace, rungs)

  const draws = randomStream('tune', seed)
  const candidates = Array.from({ length: trials }, (_, trial) => {
    const drawn = drawCandidate(space, draws)
    return trial === 0 ? settings.start : settings.fix(drawn)
  })
  const ranked = await successiveHalving(candidates, rungs, search.score)
  const finalists = await polished(ranked, search, settings)
  const best = finalists[0]!
  const heldOut = await judgeHeldOut(
    options.dataset,
    outer,
    best.setting,
    objective,
    settings.costWeight,
    pace,
  )
  const tuning: TuningProvenance = {
    objective: objective.name,
    costWeight: settings.costWeight,
    seed,
    trials: search.tried(),
    searchSpace: { ...space },
    inner: { folds: INNER_FOLDS, score: best.score },
    heldOut,
    versions: options.versions,
  }
  return {
    file: fileOf(options, table, best.setting, tuning),
    best: best.setting,
    tuning,
    title: objective.title,
    finalists,
    complete: search.complete(),
    dataset: options.dataset.name,
    rows: table.rowCount,
    arms: table.arms,
  }
}

function settingsOf(options: TuneOptions) {
  const { trials = 30, seed = 1, costWeight = 0, objective: name = 'aiq' } = options
  if (!(Number.isInteger(trials) && trials >= 1)) {
    throw new EvaluationError('eval_bad_option', `trials must be a whole number of at least 1, got ${trials}`)
  }
  const fixed = typeof options.policy === 'string' ? parsePolicyName(options.policy) : options.policy
  const fix = (drawn: Candidate): Candidate => ({
    ...drawn,
    policy: fixed ?? drawn.policy,
    floor: options.floor ?? drawn.floor,
  })
  return {
    trials,
    seed,
    costWeight,
    objective: objectiveOf(name, costWeight),
    space: options.space ?? (name === 'online' ? ONLINE_SPACE : FROZEN_SPACE),
    fix,
    start: fix(defaultCandidate({ name: 'thompson' }, DEFAULT_FLOOR)),
  }
}

/** The rows to tune on, with the classes of the whole data set, so that the file fits a replay of any split. */
async function tableOf(options: TuneOptions): Promise<OutcomeTable> {
  const { splits = ['train'], arms, classBy } = options
  const rows = await readRows(options)
  const select = { split: 'all', ...(classBy && { classBy }) }
  const { classes } = selectOutcomes(rows, { ...select, ...(arms && { arms }) }).evaluation
  for (const split of splits) {
    if (split !== 'all' && !rows.some((row) => row.split === split)) {
      const known = [...new Set(rows.map((row) => row.split))].join(', ')
      throw new EvaluationError(
        'eval_unknown_split',
        `no rows of split '${split}'; the splits are ${known}, or 'all'`,
      )
    }
  }
  const wanted = rows.filter((row) => splits.includes('all') || splits.includes(row.split))
  const { evaluation } = selectOutcomes(wanted, { ...select, ...(arms && { arms }) })
  return withClasses(evaluation, classes)
}

/** The same table in which a class keeps its name and gets the place that it has in `classes`. */
function withClasses(table: OutcomeTable, classes: readonly string[]): OutcomeTable {
  const place = table.classes.map((name) => classes.indexOf(name))
  return { ...table, classes, classOf: table.classOf.map((label) => place[label]!) }
}

interface Search {
  score(candidate: Candidate, level: Level): Promise<number>
  /** By fold, when it was last scored. */
  foldScores(candidate: Candidate): readonly number[]
  /** Settings that were tried, and whether none was left out. */
  tried(): number
  complete(): boolean
}

function searchOf(
  options: TuneOptions,
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

const LAST_LEVEL: Level = { folds: INNER_FOLDS, curvePoints: 16, seeds: 2 }
const LAST_KEEP = 3
/** Rows to tune on, of which a fold tells enough for a first look. */
const ROWS_OF_ONE_FOLD = 1_000

/** Few rows are judged on more folds from the start: they are cheap, and one fold of them says little. */
function rungsOf(trials: number, rows: number): readonly Rung<Level>[] {
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
async function polished(
  ranked: readonly Scored<Candidate>[],
  search: Search,
  { fix, space }: Pick<ReturnType<typeof settingsOf>, 'fix' | 'space'>,
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

async function judgeHeldOut(
  dataset: Dataset,
  outer: Part,
  candidate: Candidate,
  objective: Objective,
  costWeight: number,
  pace: Pace,
): Promise<TuningProvenance['heldOut']> {
  const { judged: table, fitted } = outer
  const world = worldOf(dataset, outer, candidate, pace, STEP_MS)
  const { curve } = await objective.judge(world, HELD_OUT_FIDELITY)
  const perUsd = exchangeRate(table, costWeight)
  const selection: Selection = {
    split: 'held out',
    evaluation: table,
    training: fitted,
    trainingSplits: ['tuning'],
    dropped: { contaminatedRows: 0, uncostedRows: 0, incompleteRows: 0, arms: [] },
  }
  const baselines = runBaselines(
    { selection, perUsd, perUsdGrid: exchangeRateGrid(table, 96) },
    Infinity,
    BESIDE,
  )
  const isCurve = objective.name === 'aiq'
  const beside = baselines.flatMap(({ name, rows, curve: points }): [string, readonly RowOutcomes[]][] => {
    if (name === 'zeroRouter') return []
    if (isCurve) return points === undefined ? [] : [[name, points]]
    return [[name, [rows]]]
  })
  const statistics = ([weights]: readonly Float64Array[]): Record<string, number> => {
    const singles = singlePoints(table, weights)
    const value = objective.figureOf(curve, singles, perUsd, weights)
    const zero = isCurve
      ? averageQuality(singles, singles)
      : Math.max(...singles.map(({ quality, costUsd }) => quality - perUsd * costUsd))
    const figures: Record<string, number> = { value, zeroRouter: zero, gain: value - zero }
    for (const [name, outcomes] of beside)
      figures[name] = objective.figureOf(outcomes, singles, perUsd, weights)
    return figures
  }
  const { value, gain, ...others } = bootstrap({ axes: [table.rowCount], statistics, seed: 1 }) as Record<
    string,
    Interval
  >
  return { rows: table.rowCount, fittedRows: fitted.rowCount, value: value!, gain: gain!, beside: others }
}

function fileOf(
  options: TuneOptions,
  table: OutcomeTable,
  best: Candidate,
  tuning: TuningProvenance,
): PolicyFile {
  const part = partOf(table, table)
  const { space, projection } = textOf(part, best.textComponents)
  const arms = replayArms([table], options.dataset.models, {})
  const sums = fullInformationSums(table, describeRows(table, space.text), arms, space)
  const { policy, floor, effectiveSamples, priorScale, qualityHalfLifeMs } = best
  return createPolicyFile(
    { featureSpace: space, sums: () => sums },
    {
      policy,
      hyperparameters: { floor, effectiveSamples, priorScale, halfLifeMs: { quality: qualityHalfLifeMs } },
      provenance: {
        createdMs: options.createdMs,
        source: options.dataset.name,
        split: (options.splits ?? ['train']).join(','),
        rows: table.rowCount,
        tuning,
      },
      ...(projection !== undefined && { text: writeTextProjection(projection) }),
    },
  )
}
