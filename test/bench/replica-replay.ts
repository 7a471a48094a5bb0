/**
 * What learning apart and merging costs, without a machine's noise: a replay whose requests go to three routers in turn,
 * each of which hears of the others' examples after every so many requests, against one router that sees them all.
 *
 *   node test/bench/replica-replay.ts [dataset] [seeds] [requests between merges]
 *
 * The same orders for all; the interval of the difference is Student's over the orders.
 */
import { openDataset } from '../../datasets/index.ts'
import {
  createRouter,
  type DecideResult,
  type HeadSums,
  type Observation,
  type Router,
  type RouterOptions,
} from '../../engine/index.ts'
import { DEFAULT_LEVEL, replay, studentInterval } from '../../eval/index.ts'
import { directSums } from '../helpers/direct-sums.ts'

const REPLICAS = 3

const [name = 'crossroads', seedsText = '20', mergeText = '30'] = process.argv.slice(2)
const seeds = Number(seedsText)
const mergeEvery = Number(mergeText)

const one = await rewards(createRouter)
const three = await rewards((options) => inTurn(options, Number.POSITIVE_INFINITY))
const merged = await rewards((options) => inTurn(options, mergeEvery))
tell('one router', one)
tell(`${REPLICAS} routers, merged every ${mergeEvery} requests`, merged)
tell(`${REPLICAS} routers that never merge`, three)

async function rewards(make: (options: RouterOptions) => Router): Promise<readonly number[]> {
  const dataset = await openDataset(name)
  const all: number[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const { policy } = await replay({
      dataset,
      policy: 'thompson',
      online: true,
      seeds: 1,
      seed,
      createRouter: make,
    })
    all.push(policy.reward.mean)
  }
  return all
}

function tell(what: string, values: readonly number[]): void {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const gain = studentInterval(
    values.map((value, i) => value - (one[i] ?? Number.NaN)),
    DEFAULT_LEVEL,
  )
  const difference =
    gain && `, less one ${gain.mean.toFixed(4)} [${gain.lo.toFixed(4)}, ${gain.hi.toFixed(4)}]`
  process.stdout.write(`${what.padEnd(44)} reward ${mean.toFixed(4)}${values === one ? '' : difference}\n`)
}

/** Routers that take turns. What each has observed is known to the others after the next merge. */
function inTurn(options: RouterOptions, every: number): Router {
  const routers = Array.from({ length: REPLICAS }, () => createRouter(options))
  const first = routers[0] as Router
  const seen: Observation[][] = routers.map(() => [])
  let requests = 0
  const merge = (nowMs: number): void => {
    for (const [i, router] of routers.entries()) {
      const theirs = seen.flatMap((observations, j) => (j === i ? [] : observations))
      const sums = [...directSums(theirs, nowMs, router.halfLifeMs)].map(
        ([key, { n, A, b, c }]): HeadSums => {
          const [arm, head] = key.split(' ') as [HeadSums['arm'], HeadSums['head']]
          return { arm, head, featureSpace: router.featureSpace.id, asOfMs: nowMs, n, A, b, c }
        },
      )
      router.replaceElsewhere({ sums, cuts: [], withHandedOver: false })
      for (const _step of router.settling(nowMs));
    }
  }
  const whoseTurn = (): number => requests % REPLICAS
  return {
    ...first,
    featureSpace: first.featureSpace,
    halfLifeMs: first.halfLifeMs,
    arms: first.arms,
    decide: (request): DecideResult => (routers[whoseTurn()] as Router).decide(request),
    learn: (observations) => {
      const changes = (routers[whoseTurn()] as Router).learn(observations)
      seen[whoseTurn()]?.push(...observations)
      requests++
      if (requests % every === 0) merge(observations[0]?.atMs ?? 0)
      return changes
    },
    startFrom: (prior) => {
      for (const router of routers) router.startFrom(prior)
    },
    absorb: (sums) => {
      for (const router of routers) router.absorb(sums)
    },
    replaceArms: (arms) => {
      for (const router of routers) router.replaceArms(arms)
    },
    sums: () => first.sums(),
    snapshot: () => first.snapshot(),
    restore: (snapshot) => {
      for (const router of routers) router.restore(snapshot)
    },
    handOver: () => first.handOver(),
    replaceElsewhere: (elsewhere) => first.replaceElsewhere(elsewhere),
    settling: (nowMs) => first.settling(nowMs),
  }
}
