/** Decisions of the recent past, kept so that most feedback needs no query. */
import { Generations, type OtherContext, type RewardRow } from '../../adapters/index.ts'
import type { ArmId, ConservativeAccount, DecisionContext, DecisionId } from '../../engine/index.ts'

/** Kept at least, and twice as many at most; about 2 kB each. */
const ENTRIES = 10_000

export interface RecentDecision {
  readonly context: DecisionContext & { readonly atMs: number }
  /** The same request in the other feature spaces that learn along. Absent: there were none. */
  readonly also: readonly OtherContext[]
  readonly tenant: string
  readonly surface: string
  readonly drawnArm: ArmId
  /** Of a decision that was only asked for: what was forecast of the drawn arm. */
  readonly expectedTtftMs: number | undefined
  /** Where the decision was entered. */
  readonly account: ConservativeAccount | undefined
  /** The arm that feedback on quality is about; undefined when the decision was not answered. */
  servedArm: ArmId | undefined
  /** While its answer is being given. */
  running: boolean
  /** Of a decision that was only asked for: the calls that its caller has told of, by their index; whether they answered. */
  outcomes: Map<number, boolean> | undefined
  /** In the order they were accepted. */
  readonly rewards: RewardRow[]
}

export class RecentDecisions {
  readonly #entries: Generations<DecisionId, RecentDecision>

  constructor(entries: number = ENTRIES) {
    this.#entries = new Generations(entries)
  }

  put(entry: RecentDecision): void {
    this.#entries.set(entry.context.id, entry)
  }

  find(id: DecisionId): RecentDecision | undefined {
    return this.#entries.get(id)
  }

  /** What is known of it may be out of date: the next one who asks reads the store. */
  forget(id: DecisionId): void {
    this.#entries.delete(id)
  }

  /** Everything of a tenant's that is not being answered. */
  forgetTenant(tenant: string): void {
    for (const [id, entry] of this.#entries.entries()) {
      if (entry.tenant === tenant && !entry.running) this.#entries.delete(id)
    }
  }

  /** The decision's call has ended. @param servedArm undefined when it brought no whole answer */
  settle(id: DecisionId, servedArm: ArmId | undefined): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.running = false
    entry.servedArm = servedArm
  }
}
