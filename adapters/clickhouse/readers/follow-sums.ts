/**
 * What others have learned, followed. A reading asks how many examples each unit (a day, or a week of the past) sums, reads
 * again the units where that has grown, whole, and keeps the rest: an example that arrives late, or twice, or takes another
 * back changes its unit, which is replaced and never added to. So a reading is right whatever the one before it was.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ArmId, HeadCut, HeadName, HeadSums } from '../../../engine/index.ts'
import type { ClickHouse, QueryParams, Row } from '../client.ts'
import { readNumber, readText, readVector } from '../rows/fields.ts'
import type { SumsReading } from '../store.ts'
import {
  CUTS,
  cutParams,
  type PlacedCut,
  PRESENCE,
  placed,
  presentSince,
  ROWS_AT_CUT,
  SUMS,
  SUMS_AT_CUT,
  type SumsScope,
  scopeParams,
  UNITS,
  weeksBefore,
} from './sums-sql.ts'

/** Bounds what a query answers, and with it how long the event loop takes to parse it. */
const UNITS_PER_QUERY = 4
/** Every so many readings the unit that was read longest ago is read again: a server that lagged behind is caught up with. */
const READINGS_PER_REVISION = 12
/** Heads that are added up before others have a turn. */
const HEADS_PER_TURN = 64

/** What was read of one unit, or at one cut, as of the time of the reading. */
interface Part {
  /** Examples, by which a change shows. */
  readonly rows: number
  readonly sums: readonly HeadSums[]
}

export class SumsFollower {
  readonly #clickhouse: Pick<ClickHouse, 'query'>
  readonly #scope: SumsScope
  readonly #heldNames: () => readonly string[]
  /** In the order in which they were read. */
  readonly #units = new Map<number, Part>()
  #atCuts = new Map<string, Part>()
  #cutsKey = ''
  #total: readonly HeadSums[] = []
  /** The total is not that of the parts any more. */
  #isStale = false
  #readings = 0

  /** @param heldNames whose examples are left out */
  constructor(clickhouse: Pick<ClickHouse, 'query'>, scope: SumsScope, heldNames: () => readonly string[]) {
    this.#clickhouse = clickhouse
    this.#scope = scope
    this.#heldNames = heldNames
  }

  /** One at a time. @throws what the queries throw; the next reading begins where this one ended */
  async read(nowMs: number): Promise<Omit<SumsReading, 'needsHandOver'>> {
    const params: QueryParams = {
      ...scopeParams(this.#scope),
      held: [...this.#heldNames()],
      now: nowMs,
      weeksBefore: weeksBefore(nowMs),
      presentSince: presentSince(nowMs),
    }
    const startedMs = performance.now()
    const [presence] = await this.#clickhouse.query(PRESENCE, params)
    const roundTripMs = performance.now() - startedMs
    const cuts = (await this.#clickhouse.query(CUTS, params)).map((row) => placed(readCut(row), nowMs))
    await this.#readUnits(cuts, params, nowMs)
    await this.#readAtCuts(cuts, params, nowMs)
    if (this.#isStale) this.#total = await this.#addUp(nowMs)
    this.#isStale = false
    return {
      sums: this.#total,
      cuts: cuts.map(({ arm, head, sinceMs, announcedMs }) => ({ arm, head, sinceMs, announcedMs })),
      replicas: readNumber(presence ?? {}, 'replicas'),
      clockAheadMs: nowMs + roundTripMs / 2 - readNumber(presence ?? {}, 'server_ms'),
    }
  }

  async #readUnits(cuts: readonly PlacedCut[], params: QueryParams, nowMs: number): Promise<void> {
    const cutsKey = JSON.stringify(cuts)
    // Under other cuts nothing that is kept can be used.
    if (cutsKey !== this.#cutsKey) this.#units.clear()
    this.#cutsKey = cutsKey
    const counts = new Map(
      (await this.#clickhouse.query(UNITS, params)).map((row) => [
        readNumber(row, 'unit'),
        readNumber(row, 'rows'),
      ]),
    )
    for (const unit of this.#units.keys()) {
      if (counts.has(unit)) continue
      this.#units.delete(unit)
      this.#isStale = true
    }
    const due = [...counts.keys()].filter((unit) => this.#units.get(unit)?.rows !== counts.get(unit))
    const [oldest] = this.#units.keys()
    this.#readings += 1
    if (this.#readings % READINGS_PER_REVISION === 0 && oldest !== undefined && !due.includes(oldest))
      due.push(oldest)
    for (let i = 0; i < due.length; i += UNITS_PER_QUERY) {
      const units = due.slice(i, i + UNITS_PER_QUERY)
      const rows = await this.#clickhouse.query(SUMS, { ...params, ...cutParams(cuts), units })
      this.#isStale = true
      for (const unit of units) {
        const sums = rows
          .filter((row) => readNumber(row, 'unit') === unit)
          .map((row) =>
            this.#readSums(row, readText(row, 'arm') as ArmId, readText(row, 'head') as HeadName, nowMs),
          )
        this.#units.delete(unit)
        this.#units.set(unit, { rows: counts.get(unit) ?? 0, sums })
      }
    }
  }

  async #readAtCuts(cuts: readonly PlacedCut[], params: QueryParams, nowMs: number): Promise<void> {
    const before = this.#atCuts
    this.#atCuts = new Map()
    for (const { arm, head, sinceMs, wholeFromMs } of cuts) {
      if (sinceMs >= wholeFromMs) continue
      const key = `${head} ${arm} ${sinceMs} ${wholeFromMs}`
      const query = { ...params, arm, head, since: sinceMs, wholeFrom: wholeFromMs }
      const [counted] = await this.#clickhouse.query(ROWS_AT_CUT, query)
      const rows = readNumber(counted ?? {}, 'rows')
      const known = before.get(key)
      if (known?.rows === rows) {
        this.#atCuts.set(key, known)
        continue
      }
      this.#isStale = true
      const [row] = rows === 0 ? [] : await this.#clickhouse.query(SUMS_AT_CUT, query)
      this.#atCuts.set(key, { rows, sums: row === undefined ? [] : [this.#readSums(row, arm, head, nowMs)] })
    }
    if ([...before.keys()].some((key) => !this.#atCuts.has(key))) this.#isStale = true
  }

  async #addUp(nowMs: number): Promise<readonly HeadSums[]> {
    const totals = new Map<string, Total>()
    let added = 0
    for (const { sums } of [...this.#units.values(), ...this.#atCuts.values()]) {
      for (const part of sums) {
        const halfLifeMs: number | undefined = this.#scope.halfLifeMs[part.head]
        addTo(totals, part, halfLifeMs === undefined ? 1 : 2 ** ((part.asOfMs - nowMs) / halfLifeMs))
        added += 1
        if (added % HEADS_PER_TURN === 0) await nextTurn()
      }
    }
    return [...totals.values()].map((total) => ({ ...total, asOfMs: nowMs }))
  }

  #readSums(row: Row, arm: ArmId, head: HeadName, asOfMs: number): HeadSums {
    return {
      arm,
      head,
      featureSpace: this.#scope.featureSpace,
      asOfMs,
      n: readNumber(row, 'sum_n'),
      A: readVector(row, 'sum_A'),
      b: readVector(row, 'sum_b'),
      c: readNumber(row, 'sum_c'),
    }
  }
}

type Total = { -readonly [Key in keyof HeadSums]: HeadSums[Key] }

function addTo(totals: Map<string, Total>, part: HeadSums, factor: number): void {
  const key = `${part.head} ${part.arm}`
  const total = totals.get(key)
  if (total === undefined) {
    totals.set(key, {
      ...part,
      n: factor * part.n,
      c: factor * part.c,
      A: part.A.map((value) => factor * value),
      b: part.b.map((value) => factor * value),
    })
    return
  }
  total.n += factor * part.n
  total.c += factor * part.c
  addVector(total.A, part.A, factor)
  addVector(total.b, part.b, factor)
}

function addVector(total: Float64Array, part: Float64Array, factor: number): void {
  for (let i = 0; i < total.length; i += 1) total[i] = (total[i] ?? 0) + factor * (part[i] ?? 0)
}

function readCut(row: Row): HeadCut {
  return {
    arm: readText(row, 'arm') as ArmId,
    head: readText(row, 'head') as HeadName,
    sinceMs: readNumber(row, 'since_ms'),
    announcedMs: readNumber(row, 'announced_ms'),
  }
}
