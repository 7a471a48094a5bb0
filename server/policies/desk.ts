/** Where policies are handed in, promoted and asked about, in the words of the API: behind `/admin/v1`, and behind the commands. */
import { type EvaluationRow, type PolicyListing, type RolloutRow, StoreError } from '../../adapters/index.ts'
import { serverError } from '../errors.ts'
import { KeyedLock } from '../keyed-lock.ts'
import type {
  EvaluationBody,
  EvaluationReply,
  PolicyListingReply,
  PolicyListReply,
  PolicyReply,
  PromoteBody,
  RollbackBody,
  RolloutListReply,
  RolloutReply,
  UploadBody,
  UploadReply,
} from '../routes/schemas/policies.ts'
import { type PromotionDeps, promote, putOnRecord, rollBack, uploadPolicy } from './promotion.ts'
import { CONFIGURED, type ModelRollout, rolloutsOf } from './rollout-state.ts'
import { DEFAULT_PROMOTION, promotionOf } from './settings.ts'

/** All of it rejects with a ServerError or a StoreError. */
export interface PolicyDesk {
  upload(body: UploadBody): Promise<UploadReply>
  record(hash: string, body: EvaluationBody): Promise<EvaluationReply>
  promote(body: PromoteBody): Promise<RolloutReply>
  rollBack(body: RollbackBody): Promise<RolloutReply>
  list(): Promise<PolicyListReply>
  show(hash: string): Promise<PolicyReply>
  rollouts(model: string | undefined): Promise<RolloutListReply>
}

/**
 * One for a process: steps on one virtual model are taken one after the other.
 *
 * @param onStep called when a step is on record and before its reply: puts it in force where something runs
 */
export function createPolicyDesk(
  deps: PromotionDeps,
  onStep: () => Promise<void> = async () => {},
): PolicyDesk {
  const { store } = deps
  // A step is judged by what is live when it is taken: of two at once the second has to see the first.
  const lock = new KeyedLock()
  const stepOn = (model: string, take: () => Promise<RolloutRow>): Promise<RolloutReply> =>
    lock.run(model, async () => {
      const row = await take().catch((error: unknown) => {
        // What was written may be on record although the store's answer got lost. Nobody is kept waiting for that.
        if (error instanceof StoreError) void onStep()
        throw error
      })
      await onStep()
      return rolloutReply(row)
    })
  return {
    upload: async ({ policy, actor }) => {
      const { hash, isNew } = await uploadPolicy(deps, policy, actor)
      return { object: 'policy', hash, is_new: isNew }
    },
    record: async (hash, { evaluation, against, actor }) =>
      evaluationReply(await putOnRecord(deps, hash, evaluation, { against, actor })),
    promote: async ({ share, ...body }) => {
      const registry = deps.registry()
      const { canaryShare } = registry === undefined ? DEFAULT_PROMOTION : promotionOf(registry)
      return await stepOn(body.model, () => promote(deps, { ...body, share: share ?? canaryShare }))
    },
    rollBack: async (body) => await stepOn(body.model, () => rollBack(deps, body)),
    list: async () => {
      const [policies, evaluations, rollouts] = await Promise.all([
        store.listPolicies(),
        store.readEvaluations(),
        store.readRollouts(),
      ])
      const states = rolloutsOf(rollouts)
      const byHash = Map.groupBy(evaluations, ({ targetHash }) => targetHash)
      return {
        object: 'list',
        data: policies.map((policy) => listingReply(policy, byHash.get(policy.hash) ?? [], states)),
      }
    },
    show: async (hash) => {
      const [policy, evaluations, rollouts] = await Promise.all([
        store.readPolicy(hash),
        store.readEvaluations({ targetHash: hash }),
        store.readRollouts(),
      ])
      if (policy === undefined) {
        throw serverError('policy_not_found', `There is no policy ${hash} on record.`, {
          param: 'hash',
          shouldRetry: false,
        })
      }
      return {
        object: 'policy',
        ...listingReply(policy, evaluations, rolloutsOf(rollouts)),
        evaluations_on_record: evaluations.map(evaluationReply),
        file: JSON.parse(policy.text) as Record<string, unknown>,
      }
    },
    rollouts: async (model) => {
      const rows = await store.readRollouts(model === undefined ? {} : { model })
      return { object: 'list', data: rows.map(rolloutReply), serving: servingReply(rolloutsOf(rows)) }
    },
  }
}

function rolloutReply(row: RolloutRow): RolloutReply {
  return {
    object: 'rollout',
    id: row.id,
    at_ms: row.atMs,
    model: row.model,
    action: row.action,
    outcome: row.outcome,
    hash: orNull(row.policyHash),
    share: row.share,
    forced: row.forced,
    reason: row.reason,
    reasons: row.refusals.map(({ code, message }) => ({ code, message })),
    evaluation_id: orNull(row.evaluationId),
    actor: row.actor,
  }
}

function evaluationReply(row: EvaluationRow): EvaluationReply {
  return {
    object: 'evaluation',
    id: row.id,
    at_ms: row.atMs,
    hash: row.targetHash,
    against: row.against,
    actor: row.actor,
    // What JSON has no number for is null, as it is on record.
    evaluation: JSON.parse(JSON.stringify(row.evaluation)) as Record<string, unknown>,
  }
}

function listingReply(
  policy: PolicyListing,
  evaluations: readonly EvaluationRow[],
  states: ReadonlyMap<string, ModelRollout>,
): PolicyListingReply {
  const { hash } = policy
  const [latest] = evaluations
  return {
    hash,
    at_ms: policy.atMs,
    actor: policy.actor,
    policy: { ...policy.policy },
    feature_space: policy.featureSpace,
    provenance: { ...policy.provenance },
    evaluations: evaluations.length,
    latest_evaluation:
      latest === undefined
        ? null
        : {
            id: latest.id,
            at_ms: latest.atMs,
            against: latest.against,
            refused: 'refused' in latest.evaluation && latest.evaluation.refused === true,
          },
    serving: [...states].flatMap(([model, { live, canary }]) => [
      ...(live === hash ? [{ model, as: 'live' as const, share: 1 - (canary?.share ?? 0) }] : []),
      ...(canary?.hash === hash ? [{ model, as: 'canary' as const, share: canary.share }] : []),
    ]),
  }
}

function servingReply(states: ReadonlyMap<string, ModelRollout>): RolloutListReply['serving'] {
  return [...states].map(([model, { live, liveSinceMs, canary }]) => ({
    model,
    live: orNull(live),
    live_since_ms: liveSinceMs ?? null,
    canary:
      canary === undefined ? null : { hash: canary.hash, share: canary.share, since_ms: canary.sinceMs },
  }))
}

function orNull(text: string): string | null {
  return text === CONFIGURED ? null : text
}
