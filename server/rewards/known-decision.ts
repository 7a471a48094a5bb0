/** A decision that rewards and outcomes are about: from memory, or from the store. */
import {
  type DecisionRecord,
  type RewardableDecision,
  StoreError,
  type StoreState,
} from '../../adapters/index.ts'
import type { ArmId, DecisionId } from '../../engine/index.ts'
import { serverError } from '../errors.ts'
import type { RecentDecision } from '../pipeline/recent-decisions.ts'
import type { Services } from '../services.ts'
import { taughtQuality } from './quality.ts'

const STORE_RETRY_MS = 1_000
/** There is nothing to be read, and what is written waits on disk. */
const AWAY: ReadonlySet<StoreState> = new Set(['spooling', 'memory', 'full'])

/**
 * @param anew asks the store also where memory knows the decision, if others write to the same store: another replica may have
 *   taken a value since. While the store is away what memory knows has to do: feedback is taken all the same, and a value that two
 *   replicas take of one decision in that time may be counted by both
 * @throws {ServerError} 503 `store_unavailable`
 */
export async function findKnown(
  services: Services,
  id: DecisionId,
  { anew }: { readonly anew: boolean },
): Promise<RecentDecision | undefined> {
  const recent = services.recent.find(id)
  // An embedded store has one writer: what is remembered here is all there is.
  if (recent !== undefined && (!anew || recent.running || services.store.kind === 'embedded')) return recent
  if (recent !== undefined && AWAY.has(services.store.stats().state)) return recent
  const record = await services.store
    .findDecision(id)
    .catch((error: unknown) => (recent === undefined ? refuseWithoutStore(error) : undefined))
  if (record === undefined) return recent
  const { account } = recent ?? {}
  const found = { ...fromRecord(record), ...(account !== undefined && { account }) }
  services.recent.put(found)
  return found
}

/** What a bulk read of the store has brought; memory goes before it where it has more. */
export function knownFrom(services: Services, read: RewardableDecision): RecentDecision {
  const recent = services.recent.find(read.id)
  if (recent !== undefined && recent.rewards.length >= read.rewards.length) return recent
  const {
    id,
    featureSpace,
    x,
    atMs,
    tenant,
    surface,
    arm,
    drawnArm,
    expectedTtftMs,
    outcomes,
    rewards,
    also = [],
  } = read
  const { account } = recent ?? {}
  const found: RecentDecision = {
    context: { id, featureSpace, x, atMs },
    also,
    tenant,
    surface,
    drawnArm,
    expectedTtftMs,
    account,
    servedArm: arm,
    running: false,
    outcomes: new Map(outcomes.map((index) => [index, true])),
    rewards: [...rewards],
  }
  services.recent.put(found)
  return found
}

function fromRecord({ row, attempts, rewards }: DecisionRecord): RecentDecision {
  const { decision, tenant, surface, also = [] } = row
  const { arm } = decision
  return {
    context: { id: decision.id, featureSpace: decision.featureSpace, x: decision.x, atMs: decision.atMs },
    also,
    tenant,
    surface,
    drawnArm: arm,
    expectedTtftMs: decision.estimates.find((estimate) => estimate.arm === arm)?.ttftMs,
    account: undefined,
    servedArm: servedArmOf(surface, arm, attempts, rewards),
    running: false,
    outcomes: new Map(attempts.map(({ index, status }) => [index, status === 'answered'])),
    rewards: [...rewards],
  }
}

/**
 * The arm that quality is about. Of a decision that was only asked for it is the drawn one, until its caller says that the call
 * came to nothing; where its quality was learned before that was said, it still is.
 */
export function servedArmOf(
  surface: string,
  drawn: ArmId,
  attempts: DecisionRecord['attempts'],
  rewards: DecisionRecord['rewards'],
): ArmId | undefined {
  const answered = attempts.findLast(({ status }) => status === 'answered')
  if (answered !== undefined) return answered.arm as ArmId
  if (surface !== 'route') return undefined
  return attempts.length === 0 || taughtQuality(rewards) !== undefined ? drawn : undefined
}

export function refuseWithoutStore(error: unknown): never {
  if (!(error instanceof StoreError)) throw error
  throw serverError(
    'store_unavailable',
    'The store does not answer; nothing was recorded. Try again shortly.',
    { retryAfterMs: STORE_RETRY_MS, cause: error },
  )
}
