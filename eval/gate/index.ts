/** The promotion gate: what the server, which has to keep it, may use of this folder. */
export type { EvaluationJson, ValueName } from '../off-policy/types.ts'
export { VALUES } from '../off-policy/types.ts'
export {
  AGAINST_LOGGED,
  GATE_CODES,
  type GateCode,
  type GateQuestion,
  type GateReason,
  type GateVerdict,
  judgePromotion,
} from './gate.ts'
export { readEvaluation } from './read-evaluation.ts'
export {
  DEFAULT_GATE_RULES,
  DEFAULT_SUCCESS_WORSE_BY,
  type GateRules,
  type Guardrail,
  isLessBetter,
} from './rules.ts'
