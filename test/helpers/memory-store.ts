/** The store's contract kept in memory, with a switch to take it away: for tests of everything above it. */
import { loggedDecision } from '../../adapters/clickhouse/readers/read-log.ts'
import {
  type ArmSummary,
  type AssignmentRow,
  type AttemptRow,
  type DecisionRecord,
  type DecisionRow,
  type Erasure,
  type ErasureQuery,
  type EvaluationRow,
  type ExperimentCell,
  type ExperimentStepRow,
  type ForgottenRow,
  type LogImport,
  type LogQuery,
  type PolicyListing,
  type PolicyRow,
  type PopulationCell,
  type PopulationQuery,
  type PromptRow,
  type RewardableDecision,
  type RewardRow,
  type RolloutRow,
  type Store,
  StoreError,
  type StoreState,
  type StoreStats,
  type SumsFeed,
  type TrafficQuery,
  type TrafficStats,
} from '../../adapters/index.ts'
import type {
  ArmId,
  DecisionId,
  HeadName,
  HeadSums,
  LoggedDecision,
  Observation,
} from '../../engine/index.ts'

export class MemoryStore implements Store {
  /** `remote`: others write to it as well. */
  kind: Store['kind'] = 'embedded'
  readonly location = 'memory'
  readonly decisions: DecisionRow[] = []
  readonly attempts: AttemptRow[] = []
  readonly observations: Observation[] = []
  readonly rewards: RewardRow[] = []
  readonly forgotten: ForgottenRow[] = []
  readonly prompts: PromptRow[] = []
  readonly erasures: ErasureQuery[] = []
  readonly policies: PolicyRow[] = []
  readonly evaluations: EvaluationRow[] = []
  readonly rollouts: RolloutRow[] = []
  readonly experimentSteps: ExperimentStepRow[] = []
  readonly assignments: AssignmentRow[] = []
  /** What {@link experimentCells} answers. */
  cells: readonly ExperimentCell[] = []
  /** Time of the first decision that {@link populationCell} tells of. */
  firstMs = 0
  readonly statsQueries: TrafficQuery[] = []
  /** What {@link trafficStats} answers. */
  traffic: TrafficStats = { groups: [] }
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
  async findSession(query: Parameters<Store['findSession']>[0]): Promise<readonly RewardableDecision[]> {
    this.#need()
    const { tenant, session, fromMs, toMs, limit } = query
    return this.#rewardable(
      (row) => row.tenant === tenant && row.session === session && isWithin(row.decision.atMs, fromMs, toMs),
    ).slice(-limit)
  }
  async findUnrewarded(
    query: Parameters<Store['findUnrewarded']>[0],
  ): Promise<readonly RewardableDecision[]> {
    this.#need()
    const { metric, fromMs, toMs, limit } = query
    return this.#rewardable((row) => row.surface !== 'judge' && isWithin(row.decision.atMs, fromMs, toMs))
      .filter(({ rewards }) => !rewards.some((reward) => reward.metric === metric))
      .slice(0, limit)
  }
  async findRewards({ source, tenant }: Parameters<Store['findRewards']>[0]): Promise<readonly RewardRow[]> {
    this.#need()
    const named = new Set(
      this.rewards.filter((reward) => reward.source.startsWith(source)).map(({ decisionId }) => decisionId),
    )
    const own = new Set(
      this.decisions.filter((row) => row.tenant === tenant).map(({ decision }) => decision.id),
    )
    return this.rewards.filter(({ decisionId }) => named.has(decisionId) && own.has(decisionId))
  }
  async spentUsd({ tenant, fromMs }: Parameters<Store['spentUsd']>[0]): Promise<number> {
    this.#need()
    const own = new Set(
      this.decisions.filter((row) => row.tenant === tenant).map(({ decision }) => decision.id),
    )
    return this.attempts
      .filter(({ decisionId, atMs }) => own.has(decisionId) && atMs >= fromMs)
      .reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
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
  async savePolicy(row: PolicyRow): Promise<boolean> {
    this.#need()
    if (this.policies.some(({ hash }) => hash === row.hash)) return false
    this.policies.push(row)
    return true
  }
  async readPolicy(hash: string): Promise<PolicyRow | undefined> {
    this.#need()
    return this.policies.find((row) => row.hash === hash)
  }
  async listPolicies(): Promise<readonly PolicyListing[]> {
    this.#need()
    return this.policies.map(({ text: _, ...listing }) => listing).reverse()
  }
  async recordEvaluation(row: EvaluationRow): Promise<void> {
    this.#need()
    this.evaluations.push(row)
  }
  async readEvaluations({ targetHash }: { targetHash?: string } = {}): Promise<readonly EvaluationRow[]> {
    this.#need()
    return this.evaluations.filter((row) => (targetHash ?? row.targetHash) === row.targetHash).reverse()
  }
  async appendRollout(row: RolloutRow): Promise<void> {
    this.#need()
    this.rollouts.push(row)
  }
  async readRollouts({ model }: { model?: string } = {}): Promise<readonly RolloutRow[]> {
    this.#need()
    return this.rollouts
      .filter((row) => (model ?? row.model) === row.model)
      .toSorted((a, b) => a.atMs - b.atMs)
  }
  async appendExperimentStep(row: ExperimentStepRow): Promise<boolean> {
    this.#need()
    const isTaken = this.experimentSteps.some(
      ({ experiment, step }) => experiment === row.experiment && step === row.step,
    )
    if (!isTaken) this.experimentSteps.push(row)
    return !isTaken
  }
  async readExperimentSteps({
    experiment,
  }: {
    experiment?: string
  } = {}): Promise<readonly ExperimentStepRow[]> {
    this.#need()
    return this.experimentSteps.filter((row) => (experiment ?? row.experiment) === row.experiment)
  }
  async readExperiments(): Promise<readonly ExperimentStepRow[]> {
    this.#need()
    return [...new Map(this.experimentSteps.map((row) => [row.experiment, row])).values()]
  }
  appendAssignment(row: AssignmentRow): void {
    this.assignments.push(row)
  }
  async experimentCells(): Promise<readonly ExperimentCell[]> {
    this.#need()
    return this.cells
  }
  async populationCell({ fromMs }: PopulationQuery): Promise<PopulationCell | undefined> {
    const [cell] = this.cells
    return cell && { ...cell, firstMs: Math.max(fromMs, this.firstMs) }
  }
  async experimentQuantiles(): Promise<ReadonlyMap<string, readonly number[]>> {
    return new Map()
  }
  async experimentShares(): Promise<readonly never[]> {
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

  #rewardable(keep: (row: DecisionRow) => boolean): RewardableDecision[] {
    return this.decisions.filter(keep).flatMap((row) => {
      const { id, atMs, featureSpace, x, arm, estimates } = row.decision
      const attempts = this.attempts.filter(({ decisionId }) => decisionId === id)
      const answered = attempts.findLast(({ status }) => status === 'answered')
      if (answered === undefined && !(row.surface === 'route' && attempts.length === 0)) return []
      return {
        id,
        atMs,
        featureSpace,
        x,
        tenant: row.tenant,
        surface: row.surface,
        drawnArm: arm,
        arm: (answered?.arm ?? arm) as ArmId,
        expectedTtftMs: estimates.find((estimate) => estimate.arm === arm)?.ttftMs,
        outcomes: attempts.map(({ index }) => index),
        rewards: this.rewards.filter(({ decisionId }) => decisionId === id),
      }
    })
  }

  #need(): void {
    if (!this.available) throw new StoreError('store_unavailable', 'the memory store was switched off')
  }
}

function isWithin(ms: number, fromMs: number, toMs: number): boolean {
  return ms >= fromMs && ms <= toMs
}
