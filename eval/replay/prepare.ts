/** Options → checked settings, and a dataset → the tables and the world that a replay runs in. */
import type { ModelInfo, PromptRow, Scenario } from '../../datasets/index.ts'
import {
  createFeatureSpace,
  createRouter,
  DEFAULT_FLOOR,
  type FeatureSpace,
  MAX_TEXT_COMPONENTS,
  type PolicyFile,
  type PolicySpec,
  priorSumsOf,
  readTextProjection,
} from '../../engine/index.ts'
import { BASELINE_NAMES, type BaselineName } from '../baselines/index.ts'
import { type ClassOptions, checkMapNames } from '../class-labels.ts'
import { EvaluationError } from '../errors.ts'
import { featureSpaceFor } from '../feature-space.ts'
import { DEFAULT_RESAMPLES } from '../intervals/bootstrap.ts'
import {
  armMeans,
  type LabelledSelection,
  type OutcomeTable,
  type Selection,
  selectOutcomes,
} from '../outcome-table.ts'
import { checkPolicyArms, parsePolicyName } from '../policy-name.ts'
import { replayArms } from './arms.ts'
import { describeRows } from './requests.ts'
import type { ReplayOptions } from './types.ts'
import type { Pace, World } from './world.ts'

export interface Settings {
  readonly online: boolean
  readonly split: string
  readonly policy: PolicySpec
  readonly costWeight: number
  readonly textComponents: number
  readonly floor: number
  readonly explore: boolean
  readonly seeds: readonly number[]
  readonly stepMs: number
  readonly curvePoints: number
  readonly resamples: number
  readonly baselines: readonly BaselineName[]
  /** Threads, at most as many as seeds. */
  readonly workers: number
  readonly budgetUsd: number | undefined
  readonly warmStart: readonly string[] | undefined
  /** A policy file's origin, for a report. */
  readonly startedFrom: string | undefined
}

/** @throws {EvaluationError} `eval_bad_option` naming the option, its range and the value; `eval_unknown_policy` */
export function settingsOf(options: ReplayOptions & { readonly scenario?: Scenario }): Settings {
  const online = options.online ?? false
  const provenance = options.policyFile?.provenance
  if (provenance !== undefined && options.textComponents !== undefined) {
    throw new EvaluationError(
      'eval_bad_option',
      'textComponents excludes policyFile, which brings its own feature space',
    )
  }
  const count = requireIn(
    'seeds',
    options.seeds ?? 5,
    (value) => Number.isInteger(value) && value >= 1,
    'a whole number ≥ 1',
  )
  requireOnline(options, online)
  const seed = requireIn('seed', options.seed ?? 1, Number.isInteger, 'a whole number')
  return {
    online,
    split: options.split ?? (online ? 'all' : 'test'),
    policy: typeof options.policy === 'string' ? parsePolicyName(options.policy) : options.policy,
    costWeight: requireIn(
      'costWeight',
      options.costWeight ?? 0,
      (value) => value >= 0 && value < Infinity,
      '≥ 0',
    ),
    textComponents: requireIn(
      'textComponents',
      options.textComponents ?? 0,
      (value) => Number.isInteger(value) && value >= 0 && value <= MAX_TEXT_COMPONENTS,
      `a whole number from 0 to ${MAX_TEXT_COMPONENTS}`,
    ),
    floor: requireIn(
      'floor',
      options.floor ?? options.policyFile?.hyperparameters.floor ?? DEFAULT_FLOOR,
      (value) => value >= 0 && value < 1,
      'in [0, 1)',
    ),
    explore: options.explore ?? true,
    startedFrom: provenance && `${provenance.rows} rows of ${provenance.source}, ${provenance.split}`,
    seeds: Array.from({ length: count }, (_, index) => seed + index),
    stepMs: requireIn('stepMs', options.stepMs ?? 1_000, (value) => value >= 0 && value < Infinity, '≥ 0'),
    resamples: requireIn(
      'resamples',
      options.resamples ?? DEFAULT_RESAMPLES,
      (value) => Number.isInteger(value) && value >= 2,
      'a whole number ≥ 2',
    ),
    curvePoints: requireIn(
      'curvePoints',
      options.curvePoints ?? 24,
      (value) => Number.isInteger(value) && value >= 2,
      'a whole number ≥ 2',
    ),
    budgetUsd:
      options.budgetUsd === undefined
        ? undefined
        : requireIn(
            'budgetUsd',
            options.budgetUsd,
            (value) => value > 0 && value < Infinity,
            'USD per request > 0',
          ),
    warmStart: options.warmStart,
    baselines: options.baselines ?? BASELINE_NAMES,
    workers: requireIn(
      'workers',
      options.workers ?? 1,
      (value) => Number.isInteger(value) && value >= 1,
      'a whole number ≥ 1',
    ),
  }
}

/** What only a stream can have. */
function requireOnline(options: ReplayOptions & { readonly scenario?: Scenario }, online: boolean): void {
  if (online) return
  const { budgetUsd, warmStart, scenario } = options
  for (const [name, value] of Object.entries({ budgetUsd, warmStart, scenario })) {
    if (value === undefined) continue
    throw new EvaluationError(
      'eval_bad_option',
      `${name} needs an online replay: only a stream has time in it; add online`,
    )
  }
}

export async function selectRows(options: ReplayOptions, settings: Settings): Promise<LabelledSelection> {
  const rows = await readRows(options)
  const { classBy } = classOptionsOf(options)
  checkMapNames(rows, {
    ...(classBy && { classBy }),
    ...(options.classMap && { classMap: options.classMap }),
  })
  const selection = selectOutcomes(rows, {
    split: settings.split,
    ...(options.arms === undefined ? {} : { arms: options.arms }),
    ...classOptionsOf(options),
    ...(settings.warmStart === undefined ? {} : { trainingSplits: settings.warmStart }),
  })
  checkPolicyArms(settings.policy, selection.evaluation.arms)
  checkFileArms(options.policyFile, selection.evaluation.arms)
  return selection
}

/** A file that knows none of the arms would be judged as one that knows nothing. */
function checkFileArms(file: PolicyFile | undefined, arms: readonly string[]): void {
  const known = [...new Set(file?.sums.map(({ arm }): string => arm))]
  if (known.length === 0 || known.some((arm) => arms.includes(arm))) return
  throw new EvaluationError(
    'eval_unknown_arm',
    `the policy file is of ${known.join(', ')}, and the rows are of ${arms.join(', ')}: call the arms alike, as --arm-map does`,
  )
}

/** A policy file brings its classes, and the rule by which its own rows got theirs. */
function classOptionsOf({ classBy, classMap, classes, policyFile }: ReplayOptions): ClassOptions {
  const labels = policyFile?.provenance.labels
  const by = classBy ?? labels?.by
  // A map of categories says nothing of tasks.
  const map = classMap ?? (by === labels?.by ? labels?.map : undefined)
  const all = policyFile?.featureSpace.classes ?? classes
  return {
    ...(by && { classBy: by }),
    ...(map && { classMap: map }),
    ...(all && { classes: all }),
    // A file of a set's own categories says nothing of rows that have others.
    inferOthers: policyFile === undefined || labels !== undefined,
  }
}

/**
 * The rows of the tasks that are wanted.
 *
 * @throws {EvaluationError} `eval_no_rows` listing the tasks where there is none
 */
export async function readRows({
  dataset,
  tasks,
  signal,
}: Pick<ReplayOptions, 'dataset' | 'tasks' | 'signal'>): Promise<PromptRow[]> {
  const rows: PromptRow[] = []
  const seen = new Set<string>()
  let read = 0
  for await (const row of dataset.rows()) {
    if (++read % 1_024 === 0) signal?.throwIfAborted()
    seen.add(row.task)
    if (tasks === undefined || tasks.includes(row.task)) rows.push(row)
  }
  if (rows.length === 0 && read > 0) {
    throw new EvaluationError(
      'eval_no_rows',
      `no row of task ${tasks?.join(', ')}; the tasks of ${dataset.name} are ${[...seen].join(', ')}`,
    )
  }
  return rows
}

export interface WorldOptions
  extends Pick<ReplayOptions, 'policyFile' | 'priorQuality' | 'halfLifeMs' | 'createRouter'> {
  readonly models: ReadonlyMap<string, ModelInfo>
}

export function createWorld(
  options: WorldOptions,
  settings: Settings,
  selection: Selection,
  pace: Pace,
): World {
  const { evaluation, training } = selection
  const { policyFile } = options
  const tables = training === undefined ? [evaluation] : [evaluation, training]
  const featureSpace =
    policyFile === undefined
      ? featureSpaceFor(selection, settings.textComponents)
      : featureSpaceLike(policyFile, evaluation.classes)
  return {
    table: evaluation,
    facts: describeRows(evaluation, featureSpace.text),
    arms: replayArms(tables, options.models, options.priorQuality ?? {}),
    featureSpace,
    priorScale: policyFile?.hyperparameters.priorScale,
    prior: policyFile && priorSumsOf(policyFile, featureSpace),
    policy: settings.policy,
    explore: settings.explore,
    floor: settings.floor,
    salt: 'replay',
    stepMs: settings.stepMs,
    halfLifeMs: { ...policyFile?.hyperparameters.halfLifeMs, ...options.halfLifeMs },
    createRouter: options.createRouter ?? createRouter,
    pace,
  }
}

/** These classes, and the text block of the policy file. */
function featureSpaceLike({ text }: PolicyFile, classes: readonly string[]): FeatureSpace {
  return createFeatureSpace({ classes, ...(text !== undefined && { text: readTextProjection(text) }) })
}

/** w in quality per mean cost of the dearest arm → quality per USD. */
export function exchangeRate(table: OutcomeTable, costWeight: number): number {
  const dearest = Math.max(...armMeans(table, table.costUsd))
  return dearest > 0 ? costWeight / dearest : 0
}

function requireIn(
  name: string,
  value: number,
  isAllowed: (value: number) => boolean,
  range: string,
): number {
  if (!isAllowed(value))
    throw new EvaluationError('eval_bad_option', `${name} must be ${range}, got ${value}`)
  return value
}
