/** The store's contract kept in memory, with a switch to take it away: for tests of everything above it. */
import { loggedDecision } from '../../adapters/clickhouse/readers/read-log.ts'
import {
  type ArmSummary,
  type AttemptRow,
  type DecisionRecord,
  type DecisionRow,
  type Erasure,
  type ErasureQuery,
  type LogImport,
  type LogQuery,
  type PromptRow,
  type RewardRow,
  type Store,
  StoreError,
  type StoreStats,
  type TrafficQuery,
  type TrafficStats,
} from '../../adapters/index.ts'
import type { DecisionId, HeadSums, LoggedDecision, Observation } from '../../engine/index.ts'

export class MemoryStore implements Store {
  readonly kind = 'embedded'
  readonly location = 'memory'
  readonly decisions: DecisionRow[] = []
  readonly attempts: AttemptRow[] = []
  readonly observations: Observation[] = []
  readonly rewards: RewardRow[] = []
  readonly prompts: PromptRow[] = []
  readonly erasures: ErasureQuery[] = []
  readonly statsQueries: TrafficQuery[] = []
  /** What {@link trafficStats} answers. */
  traffic: TrafficStats = { groups: [] }
  /** What {@link loadSums} answers. */
  sums: readonly HeadSums[] = []
  available = true
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
  appendPrompt(row: PromptRow): void {
    this.prompts.push(row)
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
  /** The server does not ask for it. */
  async armSummary(): Promise<readonly ArmSummary[]> {
    return []
  }
  async trafficStats(query: TrafficQuery): Promise<TrafficStats> {
    this.#need()
    this.statsQueries.push(query)
    return this.traffic
  }
  readLog(query: LogQuery): AsyncIterable<LoggedDecision> {
    const inSpan = ({ decision }: DecisionRow) => decision.atMs >= query.fromMs && decision.atMs < query.toMs
    return (async function* (self) {
      for (const row of self.decisions.filter(inSpan)) {
        const { id } = row.decision
        const attempts = self.attempts.filter(({ decisionId }) => decisionId === id)
        yield loggedDecision(
          row,
          attempts,
          self.rewards.filter(({ decisionId }) => decisionId === id),
        )
      }
    })(this)
  }
  async importLog(): Promise<LogImport> {
    throw new Error('the memory store imports nothing')
  }
  async erase({ tenant, userHash }: ErasureQuery): Promise<Erasure> {
    this.#need()
    this.erasures.push({ tenant, userHash })
    return { decisions: 0, rows: {} }
  }
  async ping(): Promise<void> {
    this.#need()
  }
  stats(): StoreStats {
    const writtenRows = this.decisions.length + this.attempts.length + this.observations.length
    return { queuedRows: 0, writtenRows, failedBatches: 0, droppedRows: 0 }
  }
  async flush(): Promise<void> {
    this.flushes++
  }
  async close(): Promise<void> {}

  #need(): void {
    if (!this.available) throw new StoreError('store_unavailable', 'the memory store was switched off')
  }
}
