/** What several replicas share, kept in memory: a model of the store's contract that runs thousands of times a second. */
import { createContributor } from '../../adapters/clickhouse/contributor.ts'
import {
  type ForgottenRow,
  type Store,
  StoreError,
  type SumsQuery,
  type SumsReading,
} from '../../adapters/index.ts'
import type { HeadCut, HeadSums, Observation } from '../../engine/index.ts'
import { bucketMs, directSums } from './direct-sums.ts'

interface StoredRow {
  readonly contributor: string
  readonly observation: Observation
}

export class SharedTable {
  readonly rows: StoredRow[] = []
  readonly forgotten: ForgottenRow[] = []
  readonly #tokens = new Set<string>()

  /** A batch with a token that was there before is stored already. */
  insert(token: string, rows: readonly StoredRow[], forgotten: readonly ForgottenRow[]): void {
    if (this.#tokens.has(token)) return
    this.#tokens.add(token)
    this.rows.push(...rows)
    this.forgotten.push(...forgotten)
  }

  cuts(): HeadCut[] {
    const latest = new Map<string, HeadCut>()
    for (const { arm, head, sinceMs } of this.forgotten) {
      const key = `${arm} ${head}`
      if (sinceMs > (latest.get(key)?.sinceMs ?? 0))
        latest.set(key, { arm, head, sinceMs, announcedMs: sinceMs })
    }
    return [...latest.values()]
  }
}

export interface SharedStore extends Store {
  /** The next insert is stored, but its answer is lost: it comes again. */
  loseAnswer(): void
  /** The next reward is stored, and rejected. */
  loseReward(): void
}

export function openSharedStore(table: SharedTable, replica: string): SharedStore {
  const contributor = createContributor(replica)
  let batches = 0
  let rows: StoredRow[] = []
  let forgotten: ForgottenRow[] = []
  let losesAnswer = false
  let losesReward = false
  const flush = async (): Promise<void> => {
    if (rows.length + forgotten.length === 0) return
    const batch = [`${contributor.name()} ${batches++}`, rows, forgotten] as const
    rows = []
    forgotten = []
    table.insert(...batch)
    if (losesAnswer) table.insert(...batch)
    losesAnswer = false
  }
  const named = (observations: readonly Observation[]): StoredRow[] =>
    observations.map((observation) => ({ contributor: contributor.name(), observation }))
  const read = (query: SumsQuery & { nowMs: number }, held: readonly string[]): HeadSums[] => {
    const cuts = table.cuts()
    const others = table.rows.filter(
      ({ contributor: name, observation: { arm, head, featureSpace, atMs } }) => {
        const cut = cuts.find((each) => each.arm === arm && each.head === head)
        return featureSpace === query.featureSpace && !held.includes(name) && atMs >= (cut?.sinceMs ?? 0)
      },
    )
    const sums = directSums(
      others.map(({ observation }) => observation),
      query.nowMs,
      query.halfLifeMs,
    )
    return [...sums].map(([key, { n, A, b, c }]) => {
      const [arm, head] = key.split(' ') as [HeadSums['arm'], HeadSums['head']]
      return { arm, head, featureSpace: query.featureSpace, asOfMs: query.nowMs, n, A, b, c }
    })
  }
  const unused = (): never => {
    throw new Error('not asked for')
  }
  return {
    kind: 'remote',
    location: 'memory',
    loseAnswer: () => {
      losesAnswer = true
    },
    loseReward: () => {
      losesReward = true
    },
    appendDecision: unused,
    appendAttempt: unused,
    appendObservations: (observations) => rows.push(...named(observations)),
    appendForgotten: (row) => forgotten.push(row),
    writeReward: (_, observations) =>
      contributor.write(async () => {
        table.insert(`${contributor.name()} ${batches++}`, named(observations), [])
        if (!losesReward) return
        losesReward = false
        throw new StoreError('store_unavailable', 'no answer came')
      }),
    findDecision: unused,
    appendPrompt: unused,
    trafficStats: unused,
    readLog: unused,
    importLog: unused,
    erase: unused,
    savePolicy: unused,
    readPolicy: unused,
    listPolicies: unused,
    recordEvaluation: unused,
    readEvaluations: unused,
    appendRollout: unused,
    readRollouts: unused,
    appendExperimentStep: unused,
    readExperimentSteps: unused,
    readExperiments: unused,
    appendAssignment: unused,
    experimentCells: unused,
    populationCell: unused,
    experimentQuantiles: unused,
    experimentShares: unused,
    findSession: unused,
    findUnrewarded: unused,
    findRewards: unused,
    spentUsd: unused,
    bucketMs,
    loadSums: async (query) => read(query, []),
    followSums: (query) => ({
      read: async (nowMs): Promise<SumsReading> => ({
        sums: read({ ...query, nowMs }, contributor.heldNames()),
        cuts: table.cuts(),
        replicas: 0,
        clockAheadMs: 0,
        needsHandOver: contributor.isDoubtful,
      }),
    }),
    handOver: (switched) => contributor.handOver(switched, flush),
    armSummary: unused,
    ping: async () => {},
    stats: () => ({
      state: 'normal',
      queuedRows: rows.length,
      writtenRows: 0,
      failedBatches: 0,
      droppedRows: 0,
      oldestMs: 0,
      problem: undefined,
      spool: undefined,
      engineRestarts: 0,
    }),
    flush,
    close: async () => {},
  }
}
