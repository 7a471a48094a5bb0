/** From what was said of an answer to its quality: scales, sources, windows. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RewardRow } from '../../adapters/index.ts'
import type { DecisionId } from '../../engine/index.ts'
import { ServerError } from '../../server/index.ts'
import {
  type Metric,
  type MetricScale,
  type MetricValue,
  readValue,
  valueWorth,
  worthOf,
} from '../../server/rewards/metric.ts'
import { standingsOf, taughtQuality } from '../../server/rewards/quality.ts'
import { kindOf } from '../../server/rewards/source.ts'

const HOUR_MS = 3_600_000
const DECIDED_MS = 1_700_000_000_000

function metric(name: string, scale: MetricScale, more: Partial<Metric> = {}): Metric {
  return { name, scale, qualityWeight: 1, windowMs: undefined, byDefault: undefined, ...more }
}
const thumbs = metric('thumbs', { kind: 'boolean', optimize: 'max' })
const rating = metric('rating', { kind: 'float', min: 1, max: 5, optimize: 'max' }, { qualityWeight: 3 })
const edits = metric('edits', { kind: 'float', min: 0, max: 200, optimize: 'min' })
const verdict = metric('verdict', {
  kind: 'categorical',
  labels: ['good', 'poor', 'bad'],
  worths: new Map([
    ['good', 1],
    ['poor', 0.4],
    ['bad', 0],
  ]),
})
const topic = metric(
  'topic',
  { kind: 'categorical', labels: ['billing', 'bug'], worths: undefined },
  { qualityWeight: 0 },
)
const bought = metric('bought', { kind: 'boolean', optimize: 'max' }, { windowMs: 24 * HOUR_MS })
const METRICS = new Map([thumbs, rating, edits, verdict, topic, bought].map((each) => [each.name, each]))

let rows = 0
function said(
  name: string,
  value: MetricValue | null,
  source = 'user',
  more: Partial<RewardRow> = {},
): RewardRow {
  return {
    rewardId: `r${++rows}`,
    decisionId: '01890000-0000-7000-8000-000000000001' as DecisionId,
    atMs: DECIDED_MS + rows,
    metric: name,
    ...readValue(METRICS.get(name), value),
    source,
    idempotencyKey: '',
    ...more,
  }
}

function qualityOf(...rewards: readonly RewardRow[]): number | undefined {
  return standingsOf(rewards, METRICS, DECIDED_MS).quality
}
function statesOf(...rewards: readonly RewardRow[]): readonly string[] {
  return standingsOf(rewards, METRICS, DECIDED_MS).standings
}

describe('what a value is worth', () => {
  const cases: [Metric, MetricValue, number | undefined][] = [
    [thumbs, true, 1],
    [thumbs, false, 0],
    [rating, 1, 0],
    [rating, 4, 0.75],
    [rating, 5, 1],
    [edits, 0, 1],
    [edits, 50, 0.75],
    [edits, 200, 0],
    [verdict, 'poor', 0.4],
    [topic, 'bug', undefined],
    [metric('failed', { kind: 'boolean', optimize: 'min' }), true, 0],
  ]
  for (const [each, value, worth] of cases) {
    it(`${each.name} ${value} is ${worth}`, () => {
      assert.equal(worthOf(each, readValue(each, value)), worth)
      if (worth !== undefined && each.scale.kind !== 'categorical') {
        assert.equal(valueWorth(each, worth), value, 'and back')
      }
    })
  }

  for (const [each, value, wanted] of [
    [thumbs, 2, /true or false/],
    [thumbs, 'yes', /true or false/],
    [rating, 0.5, /\[1, 5\]/],
    [rating, true, /a number in \[1, 5\]/],
    [verdict, 'great', /good, poor, bad/],
    [verdict, 1, /good, poor, bad/],
    [metric('note', { kind: 'text' }), 3, /text/],
  ] as const) {
    it(`${each.name} does not take ${JSON.stringify(value)} and says what it takes`, () => {
      assert.throws(
        () => readValue(each, value),
        (error) =>
          error instanceof ServerError &&
          error.code === 'invalid_feedback_value' &&
          wanted.test(error.message),
      )
    })
  }

  it('a value that the metric no longer takes is worth nothing known', () => {
    const { valueNumber, valueText } = readValue(undefined, 77)
    assert.equal(worthOf(rating, { valueNumber, valueText }), undefined)
  })
})

describe('whose word counts', () => {
  it('kinds stand before the colon; who names none speaks for the user', () => {
    assert.deepEqual(
      ['', 'user', 'user:alice', 'judge:x', 'heuristic:empty', 'outcome:tests', 'unit-tests', 'judges'].map(
        kindOf,
      ),
      ['user', 'user', 'user', 'judge', 'heuristic', 'outcome', 'user', 'user'],
    )
  })

  it('first hand before judge before heuristic before default, whenever each was said', () => {
    const all = [
      said('quality', 0.9, 'user'),
      said('quality', 0.1, 'default'),
      said('quality', 0.2, 'heuristic:passed'),
      said('quality', 0.3, 'judge:j'),
    ]
    assert.equal(qualityOf(...all), 0.9)
    assert.deepEqual(statesOf(...all), ['counts', 'outranked', 'outranked', 'outranked'])
    assert.equal(qualityOf(...all.slice(1)), 0.3)
    assert.equal(qualityOf(...all.slice(1, 3)), 0.2)
    assert.equal(qualityOf(...all.slice(1, 2)), 0.1)
  })

  it('what was said at first hand is mixed by weights; of one metric the user’s word before an outcome’s', () => {
    assert.equal(qualityOf(said('thumbs', true), said('rating', 2, 'outcome')), (1 * 1 + 3 * 0.25) / 4)
    assert.equal(qualityOf(said('rating', 5, 'outcome'), said('rating', 1, 'user')), 0)
    assert.equal(
      qualityOf(said('thumbs', false), said('verdict', 'good', 'judge:j')),
      0,
      'a judge stands back',
    )
    assert.equal(qualityOf(said('thumbs', true), said('quality', 0.5)), 0.75, 'quality itself has weight 1')
  })

  it('a later value of the same metric and kind replaces; another kind’s does not', () => {
    const all = [said('thumbs', true), said('thumbs', false), said('thumbs', true, 'judge:j')]
    assert.equal(qualityOf(...all), 0)
    assert.deepEqual(statesOf(...all), ['replaced', 'counts', 'outranked'])
  })

  it('a retraction takes back what its own kind said, and the next rank counts again', () => {
    const all = [said('quality', 0.4, 'judge:j'), said('quality', 1), said('quality', null)]
    assert.equal(qualityOf(...all), 0.4)
    assert.deepEqual(statesOf(...all), ['counts', 'replaced', 'retraction'])
    assert.equal(qualityOf(said('quality', 1), said('quality', null)), undefined)
  })

  it('what has no weight is kept', () => {
    const all = [said('topic', 'bug'), said('unknown-name', 3)]
    assert.equal(qualityOf(...all), undefined)
    assert.deepEqual(statesOf(...all), ['kept', 'kept'])
  })
})

describe('the window', () => {
  const at = (hours: number): Partial<RewardRow> => ({ atMs: DECIDED_MS + hours * HOUR_MS })

  it('leaves out what comes to pass after it', () => {
    assert.equal(qualityOf(said('bought', true, 'outcome', at(24))), 1)
    const late = said('bought', true, 'outcome', at(24.01))
    assert.equal(qualityOf(late), undefined)
    assert.deepEqual(statesOf(late), ['late'])
  })

  it('does not keep a source from correcting what it said in time', () => {
    assert.equal(qualityOf(said('bought', true, 'user', at(1)), said('bought', false, 'user', at(100))), 0)
    assert.equal(
      qualityOf(said('bought', true, 'user', at(1)), said('bought', null, 'user', at(100))),
      undefined,
    )
  })

  it('is not the default’s: that comes when it has closed, and a late word does not change it', () => {
    const silence = said('bought', false, 'outcome:default', at(25))
    assert.equal(qualityOf(silence), 0)
    const late = said('bought', true, 'user', at(30))
    assert.equal(qualityOf(silence, late), 0)
    const told = said('bought', true, 'user', at(20))
    assert.equal(qualityOf(silence, told), 1, 'one that was only reported late does')
  })

  it('a default stands back behind any word, one that counts as an outcome does not', () => {
    const judged = said('quality', 0.9, 'judge:j')
    assert.equal(qualityOf(judged, said('bought', false, 'default', at(24))), 0.9)
    assert.equal(qualityOf(judged, said('bought', false, 'outcome:default', at(24))), 0)
  })
})

describe('the quality that was taught', () => {
  it('is what the last row that changed it has written down', () => {
    assert.equal(taughtQuality([]), undefined)
    const taught = said('quality', 0.2, 'user', { quality: 0.2 })
    assert.equal(taughtQuality([taught, said('topic', 'bug')]), 0.2)
    assert.equal(taughtQuality([taught, said('quality', null, 'user', { quality: null })]), undefined)
  })
})
