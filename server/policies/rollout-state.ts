/** From the steps on record to what serves now. Pure: whoever reads the same steps comes to the same. */
import type { RolloutRow } from '../../adapters/index.ts'

/** The policy that the configuration names, where a hash is expected. */
export const CONFIGURED = ''

export interface Canary {
  readonly hash: string
  /** Of the traffic, (0, 1). */
  readonly share: number
  readonly sinceMs: number
}

/** What serves one virtual model. */
export interface ModelRollout {
  /** Hash of the policy that has all traffic but the canary's; {@link CONFIGURED} for the configuration's. */
  readonly live: string
  /** Undefined: since ever. */
  readonly liveSinceMs: number | undefined
  readonly canary: Canary | undefined
  /** What was live before, the latest last: where rollbacks lead. */
  readonly before: readonly string[]
}

export const UNTOUCHED: ModelRollout = {
  live: CONFIGURED,
  liveSinceMs: undefined,
  canary: undefined,
  before: [],
}

/** @param rows in the order of their time; refused ones change nothing */
export function rolloutsOf(rows: readonly RolloutRow[]): ReadonlyMap<string, ModelRollout> {
  const states = new Map<string, ModelRollout>()
  for (const row of rows) {
    if (row.outcome === 'done') states.set(row.model, after(states.get(row.model) ?? UNTOUCHED, row))
  }
  return states
}

function after(state: ModelRollout, { action, policyHash, share, atMs }: RolloutRow): ModelRollout {
  switch (action) {
    case 'canary':
      return { ...state, canary: { hash: policyHash, share, sinceMs: atMs } }
    case 'full':
      // The same step from two replicas at once is one step.
      if (policyHash === state.live) return { ...state, canary: undefined }
      return {
        live: policyHash,
        liveSinceMs: atMs,
        canary: undefined,
        before: [...state.before, state.live],
      }
    case 'rollback':
      return backTo(policyHash, state, atMs)
  }
}

/** A rollback names where it leads, so that two at once lead to the same place. */
function backTo(hash: string, state: ModelRollout, atMs: number): ModelRollout {
  if (hash === state.live) return { ...state, canary: undefined }
  const at = state.before.lastIndexOf(hash)
  return {
    live: hash,
    liveSinceMs: atMs,
    canary: undefined,
    before: at === -1 ? [] : state.before.slice(0, at),
  }
}

/** Where a rollback leads: without the canary, or to what was live before. Undefined: there is no way back. */
export function wayBack(state: ModelRollout): string | undefined {
  return state.canary === undefined ? state.before.at(-1) : state.live
}
