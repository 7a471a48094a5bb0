/**
 * Several replicas over one store, driven step by step: whatever the steps, in the end each of them has to believe what one
 * process would that had seen everything which was stored.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Store } from '../../adapters/index.ts'
import {
  type Arm,
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecisionId,
  type FeatureSpace,
  type HeadCut,
  type HeadName,
  type HeadSums,
  type JudgedAnswer,
  type Judgement,
  lessonOf,
  type Observation,
  type Router,
} from '../../engine/index.ts'
import { Replicas } from '../../server/replicas.ts'
import { bucketMs, type DirectSums, directSums } from './direct-sums.ts'
import { arm, decide } from './engine.ts'
import { decisionId, rewardRow } from './store-rows.ts'

const ARMS: readonly Arm[] = ['p/a', 'p/b', 'p/c'].map((id) => arm(id))
const HOUR_MS = 3_600_000
/** Slow enough that everything here is remembered, fast enough that a wrong age shows. */
export const WORLD_HALF_LIFE_MS: Readonly<Record<HeadName, number>> = {
  quality: 14 * 24 * HOUR_MS,
  ttft: HOUR_MS,
  tpot: HOUR_MS / 2,
  output_tokens: 7 * 24 * HOUR_MS,
  success: HOUR_MS / 4,
}

const REPLICAS = 3
const DECISIONS = 6
const ROUTERS_MAX = 3
const replica = fc.integer({ min: 0, max: REPLICAS - 1 })
const armIndex = fc.integer({ min: 0, max: ARMS.length - 1 })
const unit = fc.double({ min: 0, max: 1, noNaN: true })

/** One thing that happens. */
export const step = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('call' as const), replica, arm: armIndex, y: unit }), weight: 6 },
  {
    arbitrary: fc.record({
      do: fc.constant('judge' as const),
      replica,
      decision: fc.integer({ min: 0, max: DECISIONS - 1 }),
      // Taken back where there is none.
      quality: fc.option(unit, { nil: undefined }),
      // It is stored, but whoever sent it is told that it is not, and the replica has not learned from it.
      isLost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ do: fc.constant('flush' as const), replica, twice: fc.boolean() }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('merge' as const), replica }), weight: 4 },
  {
    arbitrary: fc.record({ do: fc.constant('restart' as const), replica, crashes: fc.boolean() }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant('change' as const), replica, arm: armIndex }), weight: 1 },
  // A policy with beliefs of its own comes into force.
  { arbitrary: fc.record({ do: fc.constant('router' as const), replica }), weight: 1 },
  {
    arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 15 }) }),
    weight: 2,
  },
)
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Member {
  readonly store: Store
  /** All learn from the same; the first was there from the start. */
  readonly routers: Router[]
  readonly replicas: Replicas
  /** Appended and not yet flushed: a crash loses them. */
  unstored: Observation[]
}

export interface WorldStores {
  /** Opens the store once more, as a process of its own would. */
  open(replica: string): Promise<Store>
  /** The next insert of this store is stored, but its answer is lost. */
  loseAnswer(store: Store): Promise<void> | void
  /** The next reward of this store is stored, and rejected. Absent: it cannot. */
  loseReward?(store: Store): void
  cuts(): Promise<readonly HeadCut[]>
}

export class ReplicaWorld {
  readonly #space: FeatureSpace
  readonly #stores: WorldStores
  readonly #members: Member[] = []
  readonly #answers: JudgedAnswer[]
  readonly #judgements = new Map<DecisionId, Judgement[]>()
  /** Everything that is stored, in any order: the joint data. */
  readonly #stored: Observation[] = []
  #nowMs: number
  #examples = 0
  /** Changes that heads have noticed. */
  changes = 0

  /** @param label makes the feature space another one, for several worlds in one database */
  constructor(stores: WorldStores, startMs: number, label = 'code') {
    this.#space = createFeatureSpace({ classes: ['chat', label] })
    this.#stores = stores
    this.#nowMs = startMs
    this.#answers = Array.from({ length: DECISIONS }, (_, i) => {
      // The oldest has its judgement in a bucket of ten hours ago.
      const atMs = startMs - i * 2 * HOUR_MS
      return {
        id: decisionId(atMs),
        featureSpace: this.#space.id,
        x: context(i, this.#space),
        arm: ARMS[i % ARMS.length]!.id,
        atMs,
      }
    })
  }

  get featureSpace(): string {
    return this.#space.id
  }

  async start(): Promise<void> {
    for (let i = 0; i < REPLICAS; i++) this.#members.push(await this.#startMember(i))
  }

  async take(given: Step): Promise<void> {
    if (given.do === 'wait') {
      this.#nowMs += given.minutes * 60_000
      return
    }
    const member = this.#members[given.replica]!
    switch (given.do) {
      case 'call':
        this.#call(member, ARMS[given.arm]!.id, given.y)
        break
      case 'judge':
        await this.#judge(member, this.#answers[given.decision]!, given.quality, given.isLost)
        break
      case 'flush':
        if (given.twice) await this.#stores.loseAnswer(member.store)
        await this.#flush(member)
        break
      case 'merge':
        await this.#merge(member)
        break
      case 'restart':
        if (!given.crashes) await this.#flush(member)
        // Its other half is another machine's: the name may be new.
        this.#members[given.replica] = await this.#startMember(given.replica + (given.crashes ? 0 : REPLICAS))
        break
      case 'change':
        this.#change(member, ARMS[given.arm]!.id)
        break
      case 'router':
        await this.#addRouter(member)
        break
    }
  }

  /** After everybody has written and merged, once to tell of changes and once to hear of them. */
  async end(): Promise<void> {
    for (const member of this.#members) await this.#flush(member)
    for (let round = 0; round < 2; round++) for (const member of this.#members) await this.#merge(member)
  }

  /** All sums within 1e-9 of what the joint data come to, and all beliefs of those of one process. */
  async assertAlike(): Promise<void> {
    const cuts = await this.#stores.cuts()
    const counted = this.#stored.filter(({ arm: id, head, atMs }) => {
      const cut = cuts.find((each) => each.arm === id && each.head === head)
      return atMs >= (cut?.sinceMs ?? 0)
    })
    const expected = directSums(counted, this.#nowMs, WORLD_HALF_LIFE_MS)
    const single = createWorldRouter(this.#space)
    single.replaceElsewhere({
      sums: asHeadSums(expected, this.#space, this.#nowMs),
      cuts,
      withHandedOver: true,
    })
    for (const _step of single.settling(this.#nowMs));
    for (const [i, { routers }] of this.#members.entries()) {
      for (const [k, router] of routers.entries()) {
        this.#assertSums(router, expected, `replica ${i}, router ${k}`)
        this.#assertBeliefs(router, single, `replica ${i}, router ${k}`)
      }
    }
  }

  #call(member: Member, armId: ArmId, y: number): void {
    const id = decisionId(this.#nowMs)
    const shared = { decisionId: id, atMs: this.#nowMs, featureSpace: this.#space.id, arm: armId, weight: 1 }
    const x = context(this.#examples++, this.#space).slice(0, this.#space.servingDimension)
    this.#learn(member, [
      { ...shared, head: 'ttft', x, y: 6 + y },
      { ...shared, head: 'tpot', x, y: 2 + y },
      { ...shared, head: 'output_tokens', x, y: 5 + y },
      { ...shared, head: 'success', x: Float64Array.of(1), y: Math.round(y) },
    ])
  }

  #learn(member: Member, observations: readonly Observation[]): void {
    this.#teach(member, observations)
    member.store.appendObservations(observations)
    member.unstored.push(...observations)
  }

  async #judge(
    member: Member,
    answer: JudgedAnswer,
    quality: number | undefined,
    isLost: boolean,
  ): Promise<void> {
    const judgements = this.#judgements.get(answer.id) ?? []
    this.#judgements.set(answer.id, judgements)
    const judgement = { key: `${judgements.length}`, atMs: this.#nowMs + judgements.length, quality }
    const lesson = lessonOf(answer, judgements, judgement)
    judgements.push(judgement)
    this.#stored.push(...lesson)
    if (isLost) this.#stores.loseReward?.(member.store)
    try {
      await member.store.writeReward(rewardRow({ decisionId: answer.id }), lesson)
    } catch (error) {
      if (!isLost) throw error
      return
    }
    this.#teach(member, lesson)
  }

  #teach({ routers }: Member, observations: readonly Observation[]): void {
    for (const router of routers) this.changes += router.learn(observations).length
  }

  async #addRouter(member: Member): Promise<void> {
    if (member.routers.length === ROUTERS_MAX) return
    const router = createWorldRouter(this.#space)
    await member.replicas.add(router, () => member.routers.push(router))
    // Handing over stores what there is.
    if (member.store.stats().queuedRows === 0) this.#settleUnstored(member)
  }

  /** Answers become twice as long from one moment to the next. */
  #change(member: Member, armId: ArmId): void {
    const before = this.changes
    for (let i = 0; i < 300 && this.changes === before; i++) {
      this.#nowMs += 10
      const y = (i < 60 ? 5 : 5.7) + 0.05 * Math.sin(i)
      const x = context(i % 7, this.#space).slice(0, this.#space.servingDimension)
      const shared = {
        decisionId: decisionId(this.#nowMs),
        atMs: this.#nowMs,
        featureSpace: this.#space.id,
        arm: armId,
      }
      this.#learn(member, [{ ...shared, head: 'output_tokens', x, y, weight: 1 }])
    }
  }

  async #flush(member: Member): Promise<void> {
    await member.store.flush()
    this.#settleUnstored(member)
  }

  async #merge(member: Member): Promise<void> {
    await member.replicas.merge()
    // Handing over stores what there is; so does telling of a change.
    if (member.store.stats().queuedRows === 0) this.#settleUnstored(member)
  }

  #settleUnstored(member: Member): void {
    this.#stored.push(...member.unstored)
    member.unstored = []
  }

  async #startMember(i: number): Promise<Member> {
    const store = await this.#stores.open(`replica-${i}`)
    const router = createWorldRouter(this.#space)
    const clock = { nowMs: () => this.#nowMs }
    const replicas = new Replicas({ router, store, clock, mergeEveryMs: () => HOUR_MS, doubtsEveryMs: 0 })
    await replicas.merge()
    return { store, routers: [router], replicas, unstored: [] }
  }

  #assertSums(router: Router, expected: ReadonlyMap<string, DirectSums>, who: string): void {
    const actual = new Map(router.sums().map((sums) => [`${sums.arm} ${sums.head}`, sums]))
    for (const key of new Set([...actual.keys(), ...expected.keys()])) {
      const has = actual.get(key)
      const wants = expected.get(key)
      const head = key.split(' ')[1] as HeadName
      const fade = has === undefined ? 0 : 2 ** ((has.asOfMs - this.#nowMs) / WORLD_HALF_LIFE_MS[head])
      const scale = Math.max(wants?.scale ?? 0, 1e-3)
      const near = (a: number, b: number, what: string): void =>
        assert.ok(Math.abs(a - b) <= 1e-9 * scale, `${who}, ${key}, ${what}: ${a}, expected ${b}`)
      near((has?.n ?? 0) * fade, wants?.n ?? 0, 'n')
      near((has?.c ?? 0) * fade, wants?.c ?? 0, 'c')
      const length = has?.A.length ?? 0
      for (let i = 0; i < length; i++) near(has!.A[i]! * fade, wants?.A[i] ?? 0, `A[${i}]`)
      for (let i = 0; i < (has?.b.length ?? 0); i++) near(has!.b[i]! * fade, wants?.b[i] ?? 0, `b[${i}]`)
    }
  }

  #assertBeliefs(router: Router, single: Router, who: string): void {
    const estimatesOf = (target: Router) => decide(target, { atMs: this.#nowMs }).estimates
    const expected = estimatesOf(single)
    for (const [k, { arm: id, quality, ttftMs, tpotMs, outputTokens, success }] of estimatesOf(
      router,
    ).entries()) {
      const wants = expected[k]!
      const near = (a: number, b: number, what: string): void =>
        assert.ok(Math.abs(a / b - 1) <= 1e-9, `${who}, ${id}, ${what}: ${a}, expected ${b}`)
      near(quality.mean, wants.quality.mean, 'mean quality')
      near(quality.sd, wants.quality.sd, 'sd of quality')
      near(ttftMs, wants.ttftMs, 'ttft')
      near(tpotMs, wants.tpotMs, 'tpot')
      near(outputTokens, wants.outputTokens, 'output tokens')
      near(success.mean, wants.success.mean, 'success')
    }
  }
}

function createWorldRouter(space: FeatureSpace): Router {
  return createRouter({
    arms: ARMS,
    featureSpace: space,
    halfLifeMs: WORLD_HALF_LIFE_MS,
    bucketMs: bucketMs(WORLD_HALF_LIFE_MS),
  })
}

function context(i: number, space: FeatureSpace): Float64Array {
  return Float64Array.from({ length: space.dimension }, (_, j) =>
    j === 0 ? 1 : j <= 2 ? Number(i % 2 === j - 1) : Math.sin(i * 7 + j) / 2,
  )
}

function asHeadSums(sums: ReadonlyMap<string, DirectSums>, space: FeatureSpace, nowMs: number): HeadSums[] {
  return [...sums].map(([key, { n, A, b, c }]) => {
    const [id, head] = key.split(' ') as [ArmId, HeadName]
    return { arm: id, head, featureSpace: space.id, asOfMs: nowMs, n, A, b, c }
  })
}
