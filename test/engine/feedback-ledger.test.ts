import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type ArmId,
  type DecisionId,
  EngineError,
  FeedbackLedger,
  type JudgedAnswer,
  type Judgement,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { assertClose, decide, decisionId, facts, router } from '../helpers/engine.ts'

const DAY = 86_400_000
const ARMS = ['p/a', 'p/b', 'p/c'] as ArmId[]
const CLASSES = ['chat', 'code', 'math']

/** Twenty answers of three arms over two months: several half-lives. */
const answers: readonly JudgedAnswer[] = Array.from({ length: 20 }, (_, i) => {
  const decision = decide(router(), {
    id: decisionId(i),
    atMs: i * 3 * DAY,
    facts: facts({ requestClass: CLASSES[i % 3]!, promptTokens: 10 ** (i % 4) }),
  })
  return {
    id: decision.id,
    featureSpace: decision.featureSpace,
    x: decision.x,
    arm: ARMS[i % 3]!,
    atMs: i * 3 * DAY,
  }
})

interface Event extends Judgement {
  readonly id: DecisionId
}

/** What holds of each decision when all is known. */
function finalData(events: readonly Event[]): Map<DecisionId, number> {
  const latest = new Map<DecisionId, Event>()
  for (const event of events) {
    const known = latest.get(event.id)
    const order = known === undefined ? 1 : event.atMs - known.atMs || (event.key > known.key ? 1 : -1)
    if (order > 0) latest.set(event.id, event)
  }
  return new Map([...latest].flatMap(([id, { quality }]) => (quality === undefined ? [] : [[id, quality]])))
}

function assertSamePosterior(actual: Router, expected: Router): void {
  // The shared prior is fitted when so many examples have come: here it is fitted of the same sums on both sides.
  const joined = [actual, expected].map((source) => {
    const fresh = router()
    fresh.absorb(source.sums())
    return fresh
  })
  for (const requestClass of CLASSES) {
    const [a, b] = joined.map((each) => decide(each, { atMs: 61 * DAY, facts: facts({ requestClass }) })) as [
      ReturnType<typeof decide>,
      ReturnType<typeof decide>,
    ]
    for (const [i, estimate] of b.estimates.entries()) {
      assertClose(a.estimates[i]!.quality.mean, estimate.quality.mean, 1e-9, estimate.arm)
      assertClose(a.estimates[i]!.quality.sd, estimate.quality.sd, 1e-9, estimate.arm)
    }
  }
}

const event = fc.record({
  which: fc.nat(answers.length - 1),
  key: fc.constantFrom('k1', 'k2', 'k3', 'k4'),
  quality: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
})

suite('the feedback ledger', () => {
  test('any interleaving of judgements, repetitions, revisions and retractions teaches what holds in the end', () => {
    const stream = fc.array(event, { minLength: 1, maxLength: 60 }).chain((drawn) => {
      // A judgement has one key, one time and one value, however often it is sent.
      const distinct = new Map(drawn.map((each) => [`${each.which} ${each.key}`, each]))
      const events: Event[] = [...distinct.values()].map(({ which, key, quality }, i) => ({
        id: answers[which]!.id,
        key,
        quality,
        atMs: 100 * DAY + ((i * 7_919) % 13),
      }))
      return fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray([...events, ...events], { minLength: 0, maxLength: 2 * events.length }),
      )
    })
    fc.assert(
      fc.property(stream, ([events, sent]) => {
        const received = events.filter((each) => sent.includes(each))
        const ledger = new FeedbackLedger()
        const learned = router()
        for (const answer of answers) ledger.open(answer)
        const statuses = sent.map(({ id, ...judgement }) => {
          const { status, observations } = ledger.accept(id, judgement)
          learned.learn(observations)
          return status
        })
        assert.equal(statuses.filter((status) => status !== 'duplicate').length, received.length)
        const joint = router()
        for (const [id, quality] of finalData(received)) {
          const answer = answers.find((each) => each.id === id)!
          joint.learn([qualityObservation(answer, answer.arm, quality, answer.atMs)])
        }
        assertSamePosterior(learned, joint)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  const [answer] = answers as [JudgedAnswer]
  const fresh = () => {
    const ledger = new FeedbackLedger()
    ledger.open(answer)
    const say = (key: string, atMs: number, quality?: number) => {
      const { status, observations } = ledger.accept(answer.id, { key, atMs, quality })
      return [status, observations.map(({ y, weight, atMs: at }) => [y, weight, at])]
    }
    return say
  }

  test('says what became of each', () => {
    const say = fresh()
    assert.deepEqual(say('a', 10, 0.5), ['recorded', [[0.5, 1, answer.atMs]]])
    assert.deepEqual(say('a', 99, 0.9), ['duplicate', []])
    assert.deepEqual(say('b', 5, 0.9), ['superseded', []])
    assert.deepEqual(say('c', 20, 0.9), [
      'revised',
      [
        [0.5, -1, answer.atMs],
        [0.9, 1, answer.atMs],
      ],
    ])
    assert.deepEqual(say('d', 30, 0.9), ['revised', []])
    assert.deepEqual(say('e', 40), ['retracted', [[0.9, -1, answer.atMs]]])
    assert.deepEqual(say('f', 50, 0.1), ['revised', [[0.1, 1, answer.atMs]]])
  })

  test('a retraction that comes before what it takes back holds', () => {
    const say = fresh()
    assert.deepEqual(say('b', 20), ['retracted', []])
    assert.deepEqual(say('a', 10, 0.5), ['superseded', []])
  })

  test('at one time the greater key holds, whichever came first', () => {
    const [one, other] = [fresh(), fresh()]
    one('a', 10, 0.1)
    assert.equal(one('b', 10, 0.2)[0], 'revised')
    other('b', 10, 0.2)
    assert.equal(other('a', 10, 0.1)[0], 'superseded')
  })

  test('is bounded: in decisions, and in judgements of one', () => {
    const ledger = new FeedbackLedger(2)
    for (const each of answers.slice(0, 3)) ledger.open(each)
    ledger.open(answers[2]!)
    assert.deepEqual([ledger.size, ledger.forgotten], [2, 1])
    const judgement = { key: 'a', atMs: 1, quality: 1 }
    assert.deepEqual(ledger.accept(answers[0]!.id, judgement), { status: 'unknown', observations: [] })
    for (let i = 0; i < 64; i++) ledger.accept(answers[1]!.id, { key: `${i}`, atMs: i, quality: 1 })
    assert.equal(ledger.accept(answers[1]!.id, { ...judgement, atMs: 99 }).status, 'limit')
    assert.equal(ledger.accept(answers[1]!.id, { ...judgement, key: '7' }).status, 'duplicate')
  })

  test('bad judgements are refused by name and change nothing', () => {
    const ledger = new FeedbackLedger()
    ledger.open(answer)
    const refused = (judgement: Partial<Judgement>, words: RegExp) =>
      assert.throws(
        () => ledger.accept(answer.id, { key: 'a', atMs: 1, quality: 1, ...judgement }),
        (error) =>
          error instanceof EngineError &&
          error.code === 'engine_bad_observation' &&
          words.test(error.message),
      )
    refused({ quality: 1.5 }, /\[0, 1\], got 1\.5/)
    refused({ quality: Number.NaN }, /NaN/)
    refused({ atMs: Number.NaN }, /atMs .*NaN/)
    assert.equal(ledger.accept(answer.id, { key: 'a', atMs: 1, quality: 1 }).status, 'recorded')
    assert.throws(() => new FeedbackLedger(0), /capacity .*got 0/)
  })
})
