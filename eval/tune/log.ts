/**
 * Searches for settings of a policy file on a log, by doubly robust estimates: what of the file may change is how its beliefs are used
 * and weighed, not the beliefs or the features, which the log was written with.
 */
import type { Arm, PolicyFile, PolicySpec, Preferences, TuningProvenance } from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import { type ReadableLog, scoreLog, surveyLog } from '../off-policy/evaluate.ts'
import { type Evaluation, evaluationOf } from '../off-policy/evaluation.ts'
import type { EvaluationQuestion } from '../off-policy/question.ts'
import type { Estimate } from '../off-policy/types.ts'
import { parsePolicyName } from '../policy-name.ts'
import { randomStream } from '../random.ts'
import { type Candidate, drawCandidate, ONLINE_SPACE, type SearchSpace } from './search-space.ts'

export const LOG_OBJECTIVES = ['utility', 'quality', 'success'] as const
export type LogObjective = (typeof LOG_OBJECTIVES)[number]

export interface LogTuneOptions {
  /** Decisions to search on, and others to judge the winner on; parts by a hash of the decision's id. */
  readonly search: ReadableLog
  readonly heldOut: ReadableLog
  /** What is tuned: its sums and features stay. */
  readonly file: PolicyFile
  readonly arms?: readonly Arm[]
  /** @default 'utility' */
  readonly objective?: LogObjective
  /** What utility is measured by. @default each request's own wishes */
  readonly preferences?: Preferences
  /** Fixes the policy, or the floor, which else are searched. */
  readonly policy?: PolicySpec | string
  readonly floor?: number
  /** Settings to try, ≥ 1; the first are the file's own. @default 30 */
  readonly trials?: number
  /** @default 1 */
  readonly seed?: number
  readonly space?: SearchSpace
  readonly createdMs: number
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (done: number, total: number) => void
}

type Settings = Pick<Candidate, 'policy' | 'floor' | 'effectiveSamples' | 'priorScale'>

export interface LogTrial {
  readonly settings: Settings
  /** Of the paired difference to the log, on the decisions to search on; undefined: no estimate. */
  readonly difference: Estimate | undefined
}

export interface LogTuneResult {
  /** Undefined: there is no estimate that may be relied on, and `evaluation` says why. */
  readonly file: PolicyFile | undefined
  readonly trials: readonly LogTrial[]
  /** Of the winner on the held-out decisions; where none could be judged, of the file as it is on those to search on. */
  readonly evaluation: Evaluation
}

/**
 * The winner has the highest lower bound of the difference to the log: of settings that the log can hardly tell apart from others the
 * interval is wide, and a search for the best estimate would choose exactly those.
 *
 * @throws {EvaluationError} `eval_bad_option`, and as an evaluation does
 */
export async function tuneOnLog(options: LogTuneOptions): Promise<LogTuneResult> {
  const { search, heldOut, file, objective = 'utility', seed = 1, space = ONLINE_SPACE } = options
  const settings = candidatesOf(options)
  const survey = await surveyLog(search, questionOf(options, file))
  const judge = async (candidate: Settings): Promise<Evaluation> => {
    const question = questionOf(options, withSettings(file, candidate))
    return evaluationOf(question, survey, await scoreLog(search, question, survey))
  }
  const trials: LogTrial[] = []
  let asItIs: Evaluation | undefined
  for (const candidate of settings) {
    const evaluation = await judge(candidate)
    asItIs ??= evaluation
    const difference = evaluation.refused ? undefined : evaluation.values[objective]?.difference
    trials.push({ settings: candidate, difference })
    options.onProgress?.(trials.length, settings.length)
  }
  const ranked = trials.toSorted((one, other) => lowerBound(other) - lowerBound(one))
  const best = ranked[0]!
  if (best.difference === undefined) return { file: undefined, trials: ranked, evaluation: asItIs! }
  const tuned = withSettings(file, best.settings)
  const question = questionOf(options, tuned)
  const held = await surveyLog(heldOut, question)
  const evaluation = evaluationOf(question, held, await scoreLog(heldOut, question, held))
  const values = evaluation.values[objective]
  if (evaluation.refused || values === undefined) return { file: undefined, trials: ranked, evaluation }
  const tuning: TuningProvenance = {
    objective: `dr:${objective}`,
    costWeight: 0,
    seed,
    trials: trials.length,
    searchSpace: { ...space, textComponents: [], qualityHalfLifeDays: [] },
    inner: { folds: 1, score: best.difference.lo },
    heldOut: {
      rows: evaluation.logged.n,
      fittedRows: survey.n,
      value: intervalOf(values.target),
      gain: intervalOf(values.difference),
      beside: { logged: intervalOf(values.logged) },
    },
    versions: options.versions,
  }
  const provenance = { ...file.provenance, createdMs: options.createdMs, tuning }
  return { file: { ...tuned, provenance }, trials: ranked, evaluation }
}

function candidatesOf({
  file,
  trials = 30,
  seed = 1,
  space = ONLINE_SPACE,
  policy,
  floor,
}: LogTuneOptions): Settings[] {
  if (!(Number.isInteger(trials) && trials >= 1)) {
    throw new EvaluationError('eval_bad_option', `trials must be a whole number of at least 1, got ${trials}`)
  }
  const fixed = typeof policy === 'string' ? parsePolicyName(policy) : policy
  const random = randomStream('tune-log', seed)
  return Array.from({ length: trials }, (_, trial) => {
    const drawn = drawCandidate(space, random)
    const { effectiveSamples, priorScale = {} } = file.hyperparameters
    const own = { policy: file.policy, floor: file.hyperparameters.floor, effectiveSamples, priorScale }
    const settings = trial === 0 ? own : drawn
    return {
      policy: fixed ?? settings.policy,
      floor: floor ?? settings.floor,
      effectiveSamples: settings.effectiveSamples,
      priorScale: settings.priorScale,
    }
  })
}

function withSettings(file: PolicyFile, { policy, ...hyper }: Settings): PolicyFile {
  return { ...file, policy, hyperparameters: { ...file.hyperparameters, ...hyper } }
}

function questionOf({ objective, preferences, arms }: LogTuneOptions, file: PolicyFile): EvaluationQuestion {
  return {
    target: { kind: 'file', file, name: 'tuned', hash: '', ...(arms && { arms }) },
    objective: objective ?? 'utility',
    ...(preferences && { preferences }),
    estimators: ['dr'],
  }
}

function lowerBound({ difference }: LogTrial): number {
  return difference?.lo ?? Number.NEGATIVE_INFINITY
}

function intervalOf({ value, lo, hi }: Estimate) {
  return { mean: value, lo, hi }
}
