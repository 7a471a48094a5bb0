/** The store's contract kept in memory, with a switch to take it away: for tests of everything above it. */
import {
  type ArmSummary,
  type AttemptRow,
  type DecisionRecord,
  type DecisionRow,
  type ForgottenRow,
  type RewardRow,
  type Store,
  StoreError,
  type StoreState,
  type StoreStats,
  type SumsFeed,
} from '../../adapters/index.ts'
import type { DecisionId, HeadName, HeadSums, Observation } from '../../engine/index.ts'

export class MemoryStore implements Store {
  readonly kind = 'embedded'
  readonly location = 'memory'
  readonly decisions: DecisionRow[] = []
  readonly attempts: AttemptRow[] = []
  readonly observations: Observation[] = []
  readonly rewards: RewardRow[] = []
  readonly forgotten: ForgottenRow[] = []
  /** What {@link loadSums} answers, and what is read of others. */
  sums: readonly HeadSums[] = []
  available = true
  /** What it says of itself while it is not available. */
  state: StoreState = 'memory'
  /** Awaited before a reward is taken. */
  beforeReward: () => Promise<void> = async () => {}
  flushes = 0

  appendDecision(row: DecisionRow): void {
    this.decisions.push(row)
  }
  appendAttempt(row: AttemptRow): void {
    this.attempts.push(row)
  }
  appendObservations(rows: readonly Observation[]): void {
    this.observations.push(...rows)
  }
  appendForgotten(row: ForgottenRow): void {
    this.forgotten.push(row)
  }
  async writeReward(row: RewardRow, observations: readonly Observation[]): Promise<void> {
    await this.beforeReward()
    this.#need()
    this.rewards.push(row)
    this.observations.push(...observations)
  }
  async findDecision(id: DecisionId): Promise<DecisionRecord | undefined> {
    this.#need()
    const row = this.decisions.find(({ decision }) => decision.id === id)
    if (row === undefined) return undefined
    return {
      row,
      attempts: this.attempts.filter((attempt) => attempt.decisionId === id),
      rewards: this.rewards.filter((reward) => reward.decisionId === id),
    }
  }
  async loadSums(): Promise<readonly HeadSums[]> {
    this.#need()
    return this.sums
  }
  /** It has no buckets: what is learned has the weight it came with. */
  bucketMs(): Readonly<Record<HeadName, number>> {
    return { quality: 0, ttft: 0, tpot: 0, output_tokens: 0, success: 0 }
  }
  followSums(): SumsFeed {
    return {
      read: async () => {
        this.#need()
        return { sums: this.sums, cuts: [], replicas: 0, clockAheadMs: 0, needsHandOver: false }
      },
    }
  }
  async handOver(switched: () => void): Promise<void> {
    switched()
  }
  /** The server does not ask for it. */
  async armSummary(): Promise<readonly ArmSummary[]> {
    return []
  }
  async ping(): Promise<void> {
    this.#need()
  }
  stats(): StoreStats {
    const writtenRows = this.decisions.length + this.attempts.length + this.observations.length
    const { available } = this
    return {
      state: available ? 'normal' : this.state,
      queuedRows: 0,
      writtenRows,
      failedBatches: 0,
      droppedRows: 0,
      oldestMs: 0,
      problem: available ? undefined : 'switched off',
      spool: undefined,
      engineRestarts: 0,
    }
  }
  async flush(): Promise<void> {
    this.flushes++
  }
  async close(): Promise<void> {}

  #need(): void {
    if (!this.available) throw new StoreError('store_unavailable', 'the memory store was switched off')
  }
}
