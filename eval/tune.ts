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
import { type ClassOptions, checkMapNames, type LabelCounts, labelProvenance } from './class-labels.ts'
import { EvaluationError } from './errors.ts'
import { normalizedPrompt } from './folds.ts'
import { type OutcomeTable, selectOutcomes } from './outcome-table.ts'
import { parsePolicyName } from './policy-name.ts'
import { randomStream } from './random.ts'
import { replayArms } from './replay/arms.ts'
import { readRows } from './replay/prepare.ts'
import { createPace } from './replay/world.ts'
import { bestFeatures, featureSettings } from './tune/features.ts'
import { fullInformationSums } from './tune/full-sums.ts'
import { type Scored, successiveHalving } from './tune/halving.ts'
import { judgeHeldOut } from './tune/held-out.ts'
import { type ObjectiveName, objectiveOf } from './tune/objective.ts'
import { describePart, partOf, partsOf } from './tune/problem.ts'
import {
  type Candidate,
  defaultCandidate,
  drawCandidate,
  FROZEN_SPACE,
  leastExploring,
  ONLINE_SPACE,
  type SearchSpace,
  TEXT_CHOICES,
  type TextChoice,
} from './tune/search-space.ts'
import { INNER_FOLDS, rungsOf, searchOf } from './tune/trials.ts'

/**
 * With `classes`, those of a gateway, the file is over what that gateway's log holds: text is not searched, as the log has no
 * coordinates of a projection that is fitted here. A `text` that is asked for is had: a gateway can start from such a file.
 */
export interface TuneOptions extends Pick<ClassOptions, 'classBy' | 'classMap' | 'classes'> {
  readonly dataset: Dataset
  /** Splits to tune on; no row of another one is looked at. @default ['train'] */
  readonly splits?: readonly string[]
  readonly tasks?: readonly string[]
  readonly arms?: readonly string[]
  /** @default 'aiq' */
  readonly objective?: ObjectiveName
  /** Of `reward` and `online`: w in utility = quality − w · cost / (mean cost of the dearest arm). @default 0 */
  readonly costWeight?: number
  /** Fixes the policy, or the floor, which else are searched. */
  readonly policy?: PolicySpec | string
  readonly floor?: number
  /** Fixes what is told of a text, which else is searched and has to earn its place. */
  readonly text?: TextChoice
  /** Settings to try, ≥ 1; the first are the defaults. @default 30 */
  readonly trials?: number
  /** Ends the search early: no trial begins after `nowMs` has passed it. Then the result depends on the machine. */
  readonly deadlineMs?: number
  /** @default a clock that stands still */
  readonly nowMs?: () => number
  /** @default 1 */
  readonly seed?: number
  /** @default by the objective; with `classes` without text, unless that is asked for */
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
  const { table, labels } = await tableOf(options)
  const [outer] = partsOf(table, HELD_OUT_FOLDS, 'tune-held-out')
  const inner = outer === undefined ? [] : partsOf(outer.fitted, INNER_FOLDS, 'tune-inner')
  if (
    outer === undefined ||
    outer.judged.rowCount < INNER_FOLDS ||
    outer.fitted.rowCount < 10 * INNER_FOLDS ||
    // Equal prompts share a fold, so that few of them leave folds empty, and a mean over no rows is no score.
    inner.some(({ fitted, judged }) => fitted.rowCount === 0 || judged.rowCount === 0)
  ) {
    const prompts = new Set(table.prompts.map(normalizedPrompt)).size
    throw new EvaluationError(
      'eval_no_rows',
      `${table.rowCount} rows with ${prompts} different prompts are too few to tune on; give 100 or more`,
    )
  }
  const pace = createPace(Number.POSITIVE_INFINITY, undefined, options.signal)
  const rungs = rungsOf(trials, outer.fitted.rowCount)
  const search = searchOf(options, objective, inner, pace, rungs, featureSettings(space))

  const features = await bestFeatures(settings.start, space, search.errors)
  const draws = randomStream('tune', seed)
  const candidates = Array.from({ length: trials }, (_, trial) => {
    const { policy, floor, qualityHalfLifeMs } = drawCandidate(space, draws)
    if (trial === 0) return features
    if (trial === 1) return settings.fix(leastExploring(space, features))
    return settings.fix({ ...features, policy, floor, qualityHalfLifeMs })
  })
  const finalists = await successiveHalving(candidates, rungs, search.score)
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
    file: fileOf(options, table, labels, best.setting, tuning),
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
  const { trials = 30, seed = 1, costWeight = 0, objective: name = 'aiq', classes, text } = options
  if (!(Number.isInteger(trials) && trials >= 1)) {
    throw new EvaluationError('eval_bad_option', `trials must be a whole number of at least 1, got ${trials}`)
  }
  const fixed = typeof options.policy === 'string' ? parsePolicyName(options.policy) : options.policy
  const fix = (drawn: Candidate): Candidate => ({
    ...drawn,
    policy: fixed ?? drawn.policy,
    floor: options.floor ?? drawn.floor,
  })
  const whole = options.space ?? (name === 'online' ? ONLINE_SPACE : FROZEN_SPACE)
  const fixedText = classes === undefined ? text : (text ?? 'none')
  const space = fixedText === undefined ? whole : { ...whole, textComponents: TEXT_CHOICES[fixedText] }
  const [textComponents = 0] = space.textComponents.includes(0) ? [0] : space.textComponents
  return {
    trials,
    seed,
    costWeight,
    objective: objectiveOf(name, costWeight),
    space,
    fix,
    start: fix({ ...defaultCandidate({ name: 'thompson' }, DEFAULT_FLOOR), textComponents }),
  }
}

/** The rows to tune on, with the classes of the whole data set, so that the file fits a replay of any split. */
async function tableOf(
  options: TuneOptions,
): Promise<{ readonly table: OutcomeTable; readonly labels: LabelCounts }> {
  const { splits = ['train'], arms, classBy, classMap, classes: given } = options
  const rows = await readRows(options)
  const named: ClassOptions = {
    ...(classBy && { classBy }),
    ...(classMap && { classMap }),
    ...(given && { classes: given }),
  }
  checkMapNames(rows, named)
  const select = { split: 'all', ...named, ...(arms && { arms }) }
  const { classes } = selectOutcomes(rows, select).evaluation
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
  const { evaluation, labels } = selectOutcomes(wanted, select)
  return { table: withClasses(evaluation, classes), labels }
}

/** The same table in which a class keeps its name and gets the place that it has in `classes`. */
function withClasses(table: OutcomeTable, classes: readonly string[]): OutcomeTable {
  const place = table.classes.map((name) => classes.indexOf(name))
  return { ...table, classes, classOf: table.classOf.map((label) => place[label]!) }
}

function fileOf(
  options: TuneOptions,
  table: OutcomeTable,
  labels: LabelCounts,
  best: Candidate,
  tuning: TuningProvenance,
): PolicyFile {
  const { space, projection, fitted } = describePart(partOf(table, table), best.textComponents)
  const arms = replayArms([table], options.dataset.models, {})
  const sums = fullInformationSums(table, fitted, arms, space)
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
        ...labelProvenance(options, labels),
        tuning,
      },
      ...(projection !== undefined && { text: writeTextProjection(projection) }),
    },
  )
}
