import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecisionId,
  type PriorScale,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { nonZeros } from '../../engine/linalg.ts'
import { LinearHead } from '../../engine/linear-head.ts'
import {
  type Member,
  type NoisePooling,
  type PriorScales,
  SharedPrior,
  sharedCoefficients,
} from '../../engine/pooling.ts'
import { arm, assertClose, decide, facts, gaussian, seeded } from '../helpers/engine.ts'

const NEVER = Number.POSITIVE_INFINITY
const BLOCKS = [
  'intercept',
  'class',
  'class',
  'class',
  'class',
  'structure',
  'structure',
  'structure',
] as const
const D = BLOCKS.length

interface World {
  readonly scales: PriorScales
  readonly common: Float64Array
  readonly arms: number
  readonly examples: number
}

/** Arms drawn from a hierarchical model, each with its own examples; their registrations all say 0.6. */
function grow(seed: number, { scales, common, arms, examples }: World, prior: SharedPrior): Member[] {
  const uniform = seeded(seed)
  return Array.from({ length: arms }, () => {
    const beta = common.map((mean, j) => mean + scales.coefficientSd[BLOCKS[j]!] * gaussian(uniform))
    beta[0]! += 0.6
    const head = new LinearHead(prior.priorOf(0.6), NEVER)
    for (let i = 0; i < examples; i++) {
      const x = Float64Array.from(BLOCKS, (block) => (block === 'structure' ? gaussian(uniform) : 0))
      x[0] = 1
      x[1 + Math.floor(4 * uniform())] = 1
      let y = scales.outcomeSd * gaussian(uniform)
      for (let j = 0; j < D; j++) y += beta[j]! * x[j]!
      head.observe(x, nonZeros(x, D), y, 1, 0)
    }
    return { head, interceptMean: 0.6 }
  })
}

const PLANTED: PriorScales = {
  coefficientSd: { intercept: 0.12, class: 0.05, structure: 0.02, text: 0.03 },
  outcomeSd: 0.3,
}

const NOISE: NoisePooling = { strength: 20, mean: 'arithmetic' }

test('scales that were planted are found from starts three times too large and too small', () => {
  const world = {
    scales: PLANTED,
    common: Float64Array.of(-0.1, 0.2, 0, -0.2, 0, 0.1, 0, 0),
    arms: 40,
    examples: 400,
  }
  for (const factor of [3, 1 / 3]) {
    const of = (block: 'intercept' | 'class' | 'structure') => factor * PLANTED.coefficientSd[block]
    const start: PriorScales = {
      coefficientSd: {
        intercept: of('intercept'),
        class: of('class'),
        structure: of('structure'),
        text: 0.03,
      },
      outcomeSd: factor * PLANTED.outcomeSd,
    }
    const prior = new SharedPrior(start, NOISE, BLOCKS)
    const members = grow(7, world, prior)
    for (let round = 0; round < 10; round++) prior.settle(members, 0)
    const found = prior.scales
    for (const [block, coefficients, strength] of [
      ['intercept', 1, 4],
      ['class', 4, 15],
      ['structure', 3, 30],
    ] as const) {
      // The start counts `strength` coefficients among those of all arms; a sd from N of them has a standard error of 1/√(2N).
      const N = coefficients * world.arms
      const planted = PLANTED.coefficientSd[block]
      const expected = Math.sqrt((strength * of(block) ** 2 + N * planted ** 2) / (strength + N))
      const bound = (5 * planted) / Math.sqrt(2 * N)
      assert.ok(
        Math.abs(found.coefficientSd[block] - expected) < bound,
        `${block} ${found.coefficientSd[block]}`,
      )
    }
    assert.equal(
      found.coefficientSd.text,
      start.coefficientSd.text,
      'no data on a block, nothing learned of it',
    )
    // 2,000 outcomes count (50 of each arm) beside the 20 of the start.
    const expectedNoise = Math.sqrt((20 * start.outcomeSd ** 2 + 2_000 * PLANTED.outcomeSd ** 2) / 2_020)
    assertClose(found.outcomeSd, expectedNoise, 0.02)
    for (const [j, planted] of world.common.entries()) {
      const sd = PLANTED.coefficientSd[BLOCKS[j]!]
      assert.ok(
        Math.abs(prior.coefficients[j]! - planted) < 5 * (sd / Math.sqrt(world.arms) + 0.01),
        `μ[${j}]`,
      )
    }
  }
})

test('arms that do not differ are believed alike, and one that was never called like its fellows', () => {
  const alike: PriorScales = { ...PLANTED, coefficientSd: { intercept: 0, class: 0, structure: 0, text: 0 } }
  const prior = new SharedPrior(
    { coefficientSd: { intercept: 0.3, class: 0.06, structure: 0.03, text: 0.03 }, outcomeSd: 0.5 },
    NOISE,
    BLOCKS,
  )
  const world = {
    scales: alike,
    common: Float64Array.of(-0.3, 0.2, 0, 0, 0, 0, 0, 0),
    arms: 30,
    examples: 300,
  }
  const members = grow(3, world, prior)
  const newcomer = { head: new LinearHead(prior.priorOf(0.6), NEVER), interceptMean: 0.6 }
  for (let round = 0; round < 10; round++) prior.settle([...members, newcomer], 0)
  assert.ok(prior.scales.coefficientSd.intercept < 0.15, `${prior.scales.coefficientSd.intercept}`)
  assert.ok(prior.scales.coefficientSd.class < 0.05)
  const x = Float64Array.of(1, 1, 0, 0, 0, 0, 0, 0)
  const { mean, novelty } = newcomer.head.predict(x, nonZeros(x, D), 0)
  assertClose(mean, 0.5, 0.03)
  assert.equal(novelty, 1)
  const known = members[0]!.head.predict(x, nonZeros(x, D), 0)
  assert.ok(known.novelty < 0.5 && known.sd < 0.1, `${known.novelty}, ${known.sd}`)
})

test('arms that scatter by orders of magnitude unlike each other: what is typical is their geometric mean', () => {
  const start: PriorScales = {
    coefficientSd: { intercept: 1, class: 0.1, structure: 0.1, text: 0.1 },
    outcomeSd: 0.4,
  }
  const sdOfArm = [0.004, 0.02, 0.1, 0.5]
  const learn = (mean: NoisePooling['mean'], sds: readonly number[]) => {
    const prior = new SharedPrior(start, { strength: 6, mean }, ['intercept', 'class'])
    const uniform = seeded(4)
    const members = sds.map((sd) => {
      const head = new LinearHead(prior.priorOf(3), NEVER)
      const x = Float64Array.of(1, 0)
      for (let i = 0; i < 400; i++) head.observe(x, nonZeros(x, 2), 3 + sd * gaussian(uniform), 1, 0)
      return { head, interceptMean: 3 }
    })
    prior.settle(members, 0)
    return { prior, members }
  }
  const { prior, members } = learn('geometric', sdOfArm)
  // 20 outcomes of the start beside 50 of each arm; a sd from 400 outcomes has a standard error of 1/√800 of it.
  const expected = Math.exp(
    (20 * Math.log(0.4) + sdOfArm.reduce((sum, sd) => sum + 50 * Math.log(sd), 0)) / 220,
  )
  assertClose(prior.scales.outcomeSd / expected, 1, 0.1)
  for (const [k, { head }] of members.entries()) {
    const { noiseVariance } = head.predict(Float64Array.of(1, 0), Int32Array.of(0), 0)
    // Four outcomes' worth of the typical variance beside 400 of its own.
    const own = Math.sqrt((4 * expected ** 2 + 400 * sdOfArm[k]! ** 2) / 404)
    assertClose(Math.sqrt(noiseVariance) / own, 1, 5 / Math.sqrt(800))
  }
  assert.ok(learn('arithmetic', sdOfArm).prior.scales.outcomeSd > 3 * expected)
  // Arms that always answer alike leave a hundredth of the start.
  const constant = learn('geometric', [0, 0, 0, 0]).prior.scales.outcomeSd
  assert.ok(constant > 0.004 && constant < 0.02, `${constant}`)
})

test('coefficients that arms share are found under arm intercepts that mislead', () => {
  // The good arm is tried mostly where the class effect is low: pooling without arm intercepts would get the sign wrong.
  const uniform = seeded(8)
  const scales: PriorScales = {
    coefficientSd: { intercept: 1, class: 0.1, structure: 0.1, text: 0.1 },
    outcomeSd: 0.05,
  }
  const prior = new SharedPrior(scales, NOISE, ['intercept', 'class'])
  const heads = [0.9, 0.2].map(() => new LinearHead(prior.priorOf(0.4), NEVER))
  for (let i = 0; i < 4_000; i++) {
    const inClass = uniform() < 0.5
    const good = uniform() < (inClass ? 0.1 : 0.9)
    const x = Float64Array.of(1, inClass ? 1 : 0)
    const y = (good ? 0.9 : 0.2) + (inClass ? 0.1 : 0) + 0.05 * gaussian(uniform)
    heads[good ? 0 : 1]!.observe(x, nonZeros(x, 2), y, 1, i)
  }
  const members = heads.map((head) => {
    const evidence = head.evidence(4_000)
    assert.ok(evidence)
    return { evidence, interceptMean: 0.4 }
  })
  const shared = sharedCoefficients(members, Float64Array.of(1e-9, 1e-9), 0.0025, 0)
  // The registrations said 0.4, the arms lie around 0.55.
  assertClose(shared[0]!, 0.15, 0.01)
  assertClose(shared[1]!, 0.1, 0.01)
})

function teach(router: Router, from: number, to: number): void {
  const uniform = seeded(from + 1)
  for (let i = from; i < to; i++) {
    const requestClass = ['chat', 'code', 'math'][i % 3] as string
    const id = `01890000-0000-7000-8000-${i.toString(16).padStart(12, '0')}` as DecisionId
    const decision = decide(router, { id, atMs: 1_000 * i, facts: facts({ requestClass }) })
    const truth = { 'p/a': 0.3, 'p/b': 0.8, 'p/c': 0.5 }[decision.arm as string] as number
    router.learn([qualityObservation(decision, decision.arm, uniform() < truth ? 1 : 0, 1_000 * i)])
  }
}

test('a restored router notices the change of an arm that came later when the other one does', () => {
  const featureSpace = createFeatureSpace({ classes: ['chat', 'code', 'math'] })
  const options = { arms: ['p/a', 'p/b', 'p/c'].map((id) => arm(id)), featureSpace }
  let noticed = 0
  for (let seed = 1; seed <= 12; seed++) {
    const uniform = seeded(seed)
    const one = createRouter(options)
    const other = createRouter(options)
    let atMs = 0
    const answer = (id: string, shift: number, routers: Router[]) => {
      atMs += 1_000
      const requestClass = ['chat', 'code', 'math'][Math.floor(3 * uniform())] as string
      const asked = featureSpace.vector(facts({ requestClass, promptTokens: Math.ceil(5_000 * uniform()) }))
      const example = {
        decisionId: 'd' as DecisionId,
        atMs,
        featureSpace: featureSpace.id,
        arm: id as ArmId,
        x: asked.subarray(0, featureSpace.servingDimension),
        y: 4 + 0.3 * gaussian(uniform) + (requestClass === 'code' ? shift : 0),
        weight: 1,
      }
      return routers.map((router) => router.learn([{ ...example, head: 'output_tokens' }]).length)
    }
    for (let i = 0; i < 1_500; i++) answer(i % 2 === 0 ? 'p/a' : 'p/b', 0, [one])
    // Not known before the scales had been estimated.
    for (let i = 0; i < 200; i++) answer('p/c', 0, [one])
    other.restore(JSON.parse(JSON.stringify(one.snapshot())))
    for (let i = 0; i < 300; i++) {
      const [here, there] = answer('p/c', 0.8, [one, other])
      assert.equal(there, here, `seed ${seed}, example ${i} after the change`)
      noticed += here!
    }
  }
  assert.ok(noticed >= 10, `${noticed} changes noticed`)
})

test('answers that are all alike say nothing of requests that were never sent', () => {
  const featureSpace = createFeatureSpace()
  const arms = [arm('p/a'), arm('p/b'), arm('p/c'), arm('p/d')]
  const router = createRouter({ featureSpace, arms })
  const asked = facts({ promptTokens: 25 })
  const x = featureSpace.vector(asked).subarray(0, featureSpace.servingDimension)
  // A classifier's answers: so many tokens each time, and most of them from one arm.
  for (let i = 0; i < 80_000; i++) {
    const share = i % 100
    const { id } = arms[share < 60 ? 0 : share < 86 ? 1 : share < 96 ? 2 : 3]!
    router.learn([
      {
        decisionId: 'd' as DecisionId,
        atMs: i,
        featureSpace: featureSpace.id,
        arm: id,
        head: 'output_tokens',
        x,
        y: Math.log(40),
        weight: 1,
      },
    ])
  }
  const longer = facts({ promptTokens: 2_000, turns: 5 })
  for (const { arm: id, outputTokens } of router.foresee(
    arms.map(({ id }) => id),
    featureSpace.vector(longer),
    longer,
    80_000,
  )) {
    assertClose(outputTokens, 40, 0.05, id)
  }
})

test('a router goes on from a snapshot as if there had been none, scales and all', () => {
  const options = {
    arms: ['p/a', 'p/b', 'p/c'].map((id) => arm(id)),
    featureSpace: createFeatureSpace({ classes: ['chat', 'code', 'math'] }),
  }
  const one = createRouter(options)
  teach(one, 0, 300)
  const snapshot = JSON.parse(JSON.stringify(one.snapshot())) as ReturnType<Router['snapshot']>
  const other = createRouter(options)
  other.restore(snapshot)
  for (const router of [one, other]) teach(router, 300, 600)
  const probe = { atMs: 600_000, candidates: ['p/a', 'p/b', 'p/c'] as ArmId[] }
  assert.deepEqual(decide(other, probe), decide(one, probe))
  assert.deepEqual(other.snapshot(), one.snapshot())
})

test('a prior scale below 1 shrinks its block harder, near 0 it leaves the block out, and only of quality', () => {
  const classes = ['easy', 'hard']
  const spread = (priorScale: PriorScale) => {
    const featureSpace = createFeatureSpace({ classes })
    const router = createRouter({ arms: [arm('a'), arm('b')], featureSpace, priorScale })
    const uniform = seeded(3)
    for (let i = 0; i < 400; i++) {
      const requestClass = classes[i % 2]!
      const decision = decide(router, { id: `d${i}` as DecisionId, facts: facts({ requestClass }) })
      for (const id of ['a', 'b'] as ArmId[]) {
        const isRight = uniform() < ((id === 'a') === (requestClass === 'easy') ? 0.8 : 0.4)
        router.learn([qualityObservation(decision, id, isRight ? 1 : 0, 0)])
      }
    }
    const quality = (requestClass: string) =>
      decide(router, { id: 'asked' as DecisionId, facts: facts({ requestClass }) }).estimates[0]!.quality.mean
    return quality('easy') - quality('hard')
  }
  const [asEstimated, half, none] = [spread({}), spread({ class: 0.3 }), spread({ class: 1e-4 })]
  assert.equal(spread({ class: 1, structure: 1, text: 1 }), asEstimated)
  // Of 200 answers a class each; the truth is 0.4 apart, with an sd of 0.065.
  assert.ok(asEstimated > 0.2, `${asEstimated}`)
  assert.ok(half < asEstimated && half > none, `${none}, ${half}, ${asEstimated}`)
  assert.ok(Math.abs(none) < 0.02, `${none}`)
  assert.throws(() => spread({ class: 0 }), { code: 'engine_bad_config', message: /priorScale\.class/ })
})

test('arms that always answer alike are not taken to differ without bound', () => {
  const featureSpace = createFeatureSpace()
  const arms = ['p/a', 'p/b', 'p/c', 'p/d'].map((id) => arm(id))
  const router = createRouter({ featureSpace, arms })
  const x = featureSpace.vector(facts({ promptTokens: 25 })).subarray(0, featureSpace.servingDimension)
  const y = Math.log(40)
  for (let i = 0; i < 20_000; i++) {
    const { id } = arms[i % 4]!
    const decisionId = 'd' as DecisionId
    const example = { decisionId, featureSpace: featureSpace.id, arm: id, atMs: i, x, y, weight: 1 }
    router.learn([{ ...example, head: 'output_tokens' }])
  }
  // Each step changes something, if only by rounding; settling comes to an end for all that.
  const other = createRouter({ featureSpace, arms })
  other.replaceElsewhere({ sums: router.sums(), cuts: [], withHandedOver: false })
  const steps = () => [...other.settling(20_000)].length
  assert.ok(steps() > 10)
  assert.equal(steps(), 0)
  // All are a fifth as long as was registered, so that is what two arms may differ by: 1.6, and no more.
  const shared = router.snapshot().shared.find(({ head }) => head === 'output_tokens')
  const { intercept } = shared!.scales.coefficientSd
  assert.ok(intercept < 1.6, `sd of the intercept ${intercept}`)
})

test('an arm that was called a thousand half-lives ago says nothing of the others', () => {
  const featureSpace = createFeatureSpace()
  const arms = [arm('p/a'), arm('p/b')]
  const [busy, idle] = arms.map(({ id }) => id) as [ArmId, ArmId]
  const router = createRouter({ featureSpace, arms, halfLifeMs: { ttft: 1_000 } })
  const uniform = seeded(1)
  const call = (id: ArmId, atMs: number) => {
    const requestClass = ['chat', 'code', 'math'][Math.floor(3 * uniform())] as string
    const asked = facts({ requestClass, promptTokens: Math.ceil(10_000 * uniform()), codeShare: uniform() })
    const x = featureSpace.vector(asked).subarray(0, featureSpace.servingDimension)
    const y = 6 + 0.3 * gaussian(uniform)
    const decisionId = 'd' as DecisionId
    router.learn([
      { decisionId, atMs, featureSpace: featureSpace.id, arm: id, head: 'ttft', x, y, weight: 1 },
    ])
    for (const { ttftMs } of router.foresee([busy, idle], featureSpace.vector(facts()), facts(), atMs))
      assert.ok(ttftMs > 50 && ttftMs < 5_000, `${ttftMs} ms at ${atMs}`)
  }
  for (let i = 0; i < 40; i++) call(idle, i)
  // What is left of the idle arm's weight is at last the smallest of numbers, half of which is rounded to itself.
  for (let atMs = 1_000; atMs < 1_100_000; atMs += 510) call(busy, atMs)
})
