/**
 * The gate: may a policy have more traffic than it has? Yes, where the latest evaluation on record is of this very policy, may be
 * relied on, is young enough, was made against what serves now, has the lower bound of the paired difference in the objective above
 * zero, and keeps within every guardrail at the worse end of its interval. Otherwise no, for every reason that there is.
 */
import type { Estimate, EvaluationJson, Reason } from '../off-policy/types.ts'
import { type GateRules, type Guardrail, isLessBetter } from './rules.ts'

/** Why not. Stable. */
export const GATE_CODES = [
  'no_evaluation',
  'other_policy',
  'evaluation_refused',
  'evaluation_too_old',
  'other_incumbent',
  'too_few_effective_samples',
  'weights_do_not_average_one',
  'objective_missing',
  'not_better',
  'guardrail_missing',
  'guardrail_broken',
] as const
export type GateCode = (typeof GATE_CODES)[number]

export interface GateReason extends Reason {
  readonly code: GateCode
}

export interface GateQuestion {
  /** Of the policy that wants traffic. */
  readonly policyHash: string
  /** The latest on record for it. */
  readonly evaluation:
    | {
        readonly atMs: number
        readonly targetHash: string
        /** `logged`: whatever made the log; else what it was compared with. */
        readonly against: string
        readonly evaluation: EvaluationJson
      }
    | undefined
  /** What serves now, by the name that `against` has for it. */
  readonly incumbent: {
    readonly name: string
    /** Since when all traffic is its own, Unix ms; undefined: since ever. */
    readonly sinceMs: number | undefined
  }
  readonly nowMs: number
}

export interface GateVerdict {
  readonly allowed: boolean
  /** Empty where it is allowed. */
  readonly reasons: readonly GateReason[]
}

export const AGAINST_LOGGED = 'logged'

export function judgePromotion(question: GateQuestion, rules: GateRules): GateVerdict {
  const { evaluation: recorded, policyHash } = question
  const reasons =
    recorded === undefined
      ? [
          reason(
            'no_evaluation',
            `no evaluation of policy ${short(policyHash)} is on record; put one there: highwayman evaluate --log store --policy <file> --record`,
          ),
        ]
      : [
          ...standing(question, recorded, rules),
          ...samples(recorded.evaluation, rules),
          ...gain(recorded.evaluation, rules),
          ...rules.guardrails.flatMap((guardrail) => broken(recorded.evaluation, guardrail)),
        ]
  return { allowed: reasons.length === 0, reasons }
}

type Recorded = NonNullable<GateQuestion['evaluation']>

/** Whether it is about this policy, this incumbent and this time at all. */
function standing(
  { policyHash, incumbent, nowMs }: GateQuestion,
  { atMs, targetHash, against, evaluation }: Recorded,
  { maxAgeMs }: GateRules,
): GateReason[] {
  const reasons: GateReason[] = []
  const judged = evaluation.targetHash ?? targetHash
  if (targetHash !== policyHash || judged !== policyHash) {
    reasons.push(
      reason('other_policy', `the evaluation is of policy ${short(judged)}, not of ${short(policyHash)}`),
    )
  }
  if (evaluation.refused) {
    const why = evaluation.reasons.map(({ code, message }) => `${code}: ${message}`).join('; ')
    reasons.push(
      reason('evaluation_refused', `the evaluation gives no estimate (${why || 'no reason given'})`),
    )
  }
  if (nowMs - atMs > maxAgeMs) {
    reasons.push(
      reason(
        'evaluation_too_old',
        `the evaluation is ${days(nowMs - atMs)} old, at most ${days(maxAgeMs)} are allowed; evaluate on a newer log`,
      ),
    )
  }
  const { name, sinceMs } = incumbent
  if (against !== AGAINST_LOGGED && against !== name) {
    reasons.push(
      reason('other_incumbent', `the evaluation is against ${short(against)}, but ${short(name)} serves now`),
    )
  } else if (
    against === AGAINST_LOGGED &&
    sinceMs !== undefined &&
    Date.parse(evaluation.logged.from) < sinceMs
  ) {
    const since = new Date(sinceMs).toISOString()
    reasons.push(
      reason(
        'other_incumbent',
        `the log begins at ${evaluation.logged.from}, before ${short(name)} took over at ${since}; evaluate on decisions from then on`,
      ),
    )
  }
  return reasons
}

/** Whether its weights let it be relied on. */
function samples({ logged, diagnostics }: EvaluationJson, rules: GateRules): GateReason[] {
  const reasons: GateReason[] = []
  const needed = Math.max(rules.minEss, rules.minEssShare * logged.n)
  // Written so that NaN, nothing known, fails.
  if (!(diagnostics.ess >= needed)) {
    reasons.push(
      reason(
        'too_few_effective_samples',
        `the effective sample size is ${number(diagnostics.ess)} of ${logged.n} decisions, ${number(needed)} are needed; log more, or with more exploration`,
      ),
    )
  }
  if (!(Math.abs(diagnostics.meanWeightZ) <= rules.maxMeanWeightZ)) {
    reasons.push(
      reason(
        'weights_do_not_average_one',
        `the mean weight is ${number(diagnostics.meanWeightZ)} standard errors from 1, ${rules.maxMeanWeightZ} are allowed: the logged propensities are not those of the draws, or the log has too few of the draws that the policy often makes; evaluate says which`,
      ),
    )
  }
  return reasons
}

function gain({ values }: EvaluationJson, { objective }: GateRules): GateReason[] {
  const difference = values[objective]?.difference
  if (difference === undefined) {
    return [
      reason(
        'objective_missing',
        `the evaluation says nothing of ${objective}, which is the objective; evaluate with it`,
      ),
    ]
  }
  const gained = isLessBetter(objective) ? -difference.hi : difference.lo
  if (gained > 0) return []
  return [
    reason(
      'not_better',
      `${objective} changes by ${interval(difference)}: that it is better is not shown, as the interval has to lie ${isLessBetter(objective) ? 'below' : 'above'} 0`,
    ),
  ]
}

function broken({ values }: EvaluationJson, guardrail: Guardrail): GateReason[] {
  const { value } = guardrail
  const found = values[value]
  if (found === undefined) {
    return [reason('guardrail_missing', `the evaluation says nothing of ${value}, which has a guardrail`)]
  }
  const { difference, logged } = found
  const worse = isLessBetter(value) ? difference.hi : -difference.lo
  const limit = 'worseBy' in guardrail ? guardrail.worseBy : guardrail.worseByShare * Math.abs(logged.value)
  if (worse <= limit) return []
  return [
    reason(
      'guardrail_broken',
      `${value} changes by ${interval(difference)} and may be worse by ${number(worse)}; the guardrail allows ${number(limit)}`,
    ),
  ]
}

function reason(code: GateCode, message: string): GateReason {
  return { code, message }
}

const HASH_CHARS = 12

function short(name: string): string {
  return name.length === 64 ? name.slice(0, HASH_CHARS) : name
}

function days(ms: number): string {
  return `${number(ms / 86_400_000)} days`
}

function interval({ value, lo, hi }: Estimate): string {
  return `${number(value)} [${number(lo)}, ${number(hi)}]`
}

function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : 'unknown'
}
