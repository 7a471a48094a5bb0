/**
 * What may be done with policies: hand one in, put an evaluation on record, promote, roll back. The same for a running server and for
 * the command line; every step, refused ones included, is on record before anybody is told of it.
 */
import { AGAINST, type EvaluationRow, type PolicyStore, type RolloutRow } from '../../adapters/index.ts'
import {
  EngineError,
  type PolicyFile,
  policyFileHash,
  readPolicyFile,
  writePolicyFile,
} from '../../engine/index.ts'
import { type GateRules, type GateVerdict, judgePromotion, readEvaluation } from '../../eval/gate/index.ts'
import { nearest } from '../config/nearest.ts'
import type { Clock, Ids } from '../deps.ts'
import { serverError } from '../errors.ts'
import type { Registry, VirtualModel } from '../registry.ts'
import { type DraftOptions, draftPolicyFile } from './draft.ts'
import { whyUnservable } from './policy-loader.ts'
import { CONFIGURED, type ModelRollout, rolloutsOf, UNTOUCHED, wayBack } from './rollout-state.ts'
import { promotionOf } from './settings.ts'

export interface PromotionDeps {
  readonly store: PolicyStore
  readonly clock: Clock
  readonly ids: Ids
  /** Undefined: what serves is not known here, and models and arms go unchecked. */
  readonly registry: () => Registry | undefined
  /** Used where there is no registry. */
  readonly defaultRules: GateRules
}

export interface UploadedPolicy {
  readonly hash: string
  /** False: it was on record already. */
  readonly isNew: boolean
}

export interface PromotionOrder {
  readonly model: string
  readonly hash: string
  /** Of the traffic, (0, 1]; 1 is all of it, for good. */
  readonly share: number
  /** Do it although the gate refuses; needs a reason. */
  readonly force: boolean
  readonly reason: string
  readonly actor: string
}

export interface RollbackOrder {
  readonly model: string
  readonly reason: string
  readonly actor: string
}

/** @throws {ServerError} 422 `invalid_policy` */
export async function uploadPolicy(
  { store, clock }: PromotionDeps,
  json: unknown,
  actor: string,
): Promise<UploadedPolicy> {
  const file = readOrRefuse(json)
  const hash = policyFileHash(file)
  const isNew = await store.savePolicy({
    hash,
    atMs: clock.nowMs(),
    actor,
    policy: file.policy,
    featureSpace: file.featureSpace.id,
    provenance: file.provenance,
    text: writePolicyFile(file),
  })
  return { hash, isNew }
}

/** A policy over the features of the configuration, as JSON; nothing is put on record. @throws {ServerError} 422 `invalid_policy` */
export function draftPolicy(registry: Registry, options: DraftOptions): Record<string, unknown> {
  const json = JSON.parse(writePolicyFile(draftPolicyFile(registry, options))) as Record<string, unknown>
  readOrRefuse(json)
  return json
}

/** @throws {ServerError} 404 `policy_not_found`, 422 `invalid_evaluation` */
export async function putOnRecord(
  { store, clock, ids }: PromotionDeps,
  hash: string,
  json: unknown,
  { against = AGAINST.logged, actor }: { readonly against?: string | undefined; readonly actor: string },
): Promise<EvaluationRow> {
  await findPolicy(store, hash)
  const evaluation = evaluationOrRefuse(json)
  if (evaluation.targetHash !== undefined && evaluation.targetHash !== hash) {
    throw serverError(
      'invalid_evaluation',
      `targetHash: the evaluation is of policy ${evaluation.targetHash}, not of ${hash}; record it there.`,
      { param: 'targetHash', shouldRetry: false },
    )
  }
  const row = { id: ids.next(), atMs: clock.nowMs(), targetHash: hash, against, actor, evaluation }
  await store.recordEvaluation(row)
  return row
}

/**
 * Gives a policy a share of a virtual model's traffic, or all of it. A smaller share than it has needs no evidence.
 *
 * @throws {ServerError} 404 `policy_not_found`, `model_not_found`; 409 `promotion_refused` with all reasons, which is on record too;
 *   409 `promotion_pointless`; 422 `policy_not_servable`, `invalid_promotion`
 */
export async function promote(deps: PromotionDeps, order: PromotionOrder): Promise<RolloutRow> {
  const { store, clock } = deps
  const { model, hash, share, force, reason } = order
  if (force && reason.trim() === '') {
    throw serverError(
      'invalid_promotion',
      'reason: a forced promotion needs one; it is kept with the step.',
      {
        param: 'reason',
        shouldRetry: false,
      },
    )
  }
  const file = await findPolicy(store, hash)
  refuseUnservable(deps, model, file)
  const { state, lastMs } = await recordOf(store, model)
  refusePointless(order, state)
  const isLess = state.canary?.hash === hash && share < state.canary.share
  const [latest] = await store.readEvaluations({ targetHash: hash })
  const verdict = isLess ? ALLOWED : judge(deps, hash, latest, state, clock.nowMs())
  const row: RolloutRow = {
    ...stepOf(deps, order, lastMs),
    action: share === 1 ? 'full' : 'canary',
    outcome: verdict.allowed || force ? 'done' : 'refused',
    policyHash: hash,
    share,
    forced: force && !verdict.allowed,
    refusals: verdict.reasons,
    evaluationId: latest?.id ?? '',
  }
  await store.appendRollout(row)
  if (row.outcome === 'refused') {
    const why = verdict.reasons.map(({ message }) => message).join('; ')
    throw serverError('promotion_refused', `Policy ${hash} is not promoted: ${why}.`, {
      reasons: verdict.reasons,
      shouldRetry: false,
    })
  }
  return row
}

/** Ends a canary; without one, goes back to what was live before. @throws {ServerError} 409 `nothing_to_roll_back`, 404 `model_not_found` */
export async function rollBack(deps: PromotionDeps, order: RollbackOrder): Promise<RolloutRow> {
  const { store } = deps
  const { state, lastMs } = await recordOf(store, order.model)
  const hash = wayBack(state)
  if (hash === undefined) {
    // What is no model any more may still have something to go back from.
    modelNamed(deps.registry(), order.model)
    throw serverError(
      'nothing_to_roll_back',
      `Nothing was promoted on "${order.model}" that is still in force: the configuration’s policy serves.`,
      { param: 'model', shouldRetry: false },
    )
  }
  const row: RolloutRow = {
    ...stepOf(deps, order, lastMs),
    action: 'rollback',
    outcome: 'done',
    policyHash: hash,
    share: 1,
    forced: false,
    refusals: [],
    evaluationId: '',
  }
  await store.appendRollout(row)
  return row
}

const ALLOWED: GateVerdict = { allowed: true, reasons: [] }

function judge(
  { registry, defaultRules }: PromotionDeps,
  policyHash: string,
  latest: EvaluationRow | undefined,
  { live, liveSinceMs }: ModelRollout,
  nowMs: number,
): GateVerdict {
  const current = registry()
  return judgePromotion(
    {
      policyHash,
      evaluation: latest && { ...latest, evaluation: evaluationOrRefuse(latest.evaluation) },
      incumbent: { name: live === CONFIGURED ? AGAINST.configured : live, sinceMs: liveSinceMs },
      nowMs,
    },
    current === undefined ? defaultRules : promotionOf(current).rules,
  )
}

/** After the one before it, whatever the clock of who took that says: steps count in the order of their time. */
function stepOf(
  { ids, clock }: PromotionDeps,
  { model, reason, actor }: RollbackOrder,
  lastMs: number,
): Pick<RolloutRow, 'id' | 'atMs' | 'model' | 'reason' | 'actor'> {
  return { id: ids.next(), atMs: Math.max(clock.nowMs(), lastMs + 1), model, reason, actor }
}

interface RolloutRecord {
  readonly state: ModelRollout
  /** When the last step was taken, Unix ms; 0: there is none. */
  readonly lastMs: number
}

async function recordOf(store: PolicyStore, model: string): Promise<RolloutRecord> {
  const rows = await store.readRollouts({ model })
  return { state: rolloutsOf(rows).get(model) ?? UNTOUCHED, lastMs: rows.at(-1)?.atMs ?? 0 }
}

async function findPolicy(store: PolicyStore, hash: string): Promise<PolicyFile> {
  const row = await store.readPolicy(hash)
  if (row !== undefined) return readOrRefuse(JSON.parse(row.text))
  throw serverError('policy_not_found', `There is no policy ${hash} on record; upload it first.`, {
    param: 'hash',
    shouldRetry: false,
  })
}

function refuseUnservable({ registry }: PromotionDeps, name: string, file: PolicyFile): void {
  const current = registry()
  const model = modelNamed(current, name)
  if (current === undefined || model === undefined) return
  const problem = whyUnservable(file, model, current)
  if (problem === undefined) return
  throw serverError('policy_not_servable', `The policy cannot serve "${name}": ${problem}.`, {
    param: 'hash',
    shouldRetry: false,
  })
}

/** Undefined where there is no configuration to tell. @throws {ServerError} 404 `model_not_found` */
function modelNamed(current: Registry | undefined, name: string): VirtualModel | undefined {
  const model = current?.models.get(name)
  if (current === undefined || model !== undefined) return model
  const known = [...current.models.keys()]
  const closest = nearest(name, known)
  throw serverError(
    'model_not_found',
    `There is no virtual model "${name}"${closest === undefined ? '.' : `; did you mean "${closest}"?`} Known are ${known.join(', ')}.`,
    { param: 'model', shouldRetry: false },
  )
}

function refusePointless({ model, hash, share }: PromotionOrder, { live, canary }: ModelRollout): void {
  const isLive = live === hash
  const hasShare = canary?.hash === hash && canary.share === share
  if (!isLive && !hasShare) return
  const now = isLive ? 'is the live policy' : `has a share of ${share}`
  const repair = isLive && canary !== undefined ? '; roll back to end the canary beside it' : ''
  throw serverError('promotion_pointless', `Policy ${hash} ${now} of "${model}" already${repair}.`, {
    param: 'hash',
    shouldRetry: false,
  })
}

function readOrRefuse(json: unknown): PolicyFile {
  try {
    return readPolicyFile(json)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw serverError('invalid_policy', `${error.message}.`, { shouldRetry: false, cause: error })
  }
}

function evaluationOrRefuse(json: unknown) {
  try {
    return readEvaluation(json)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw serverError('invalid_evaluation', `${error.message}.`, { shouldRetry: false, cause: error })
  }
}
