/** Foreign rows as decisions of our own log: what carries over, what is refused, and that the formats keep it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  fromDecision,
  hashedVector,
  type LoggedBanditRow,
  readBanditFile,
  readLogFile,
  toDecision,
  writeLogFile,
} from '../../../datasets/index.ts'
import { type Folder, listOf, temporaryFolder } from '../../helpers/dataset-files.ts'

const ROW: LoggedBanditRow = {
  id: 'event-1',
  atMs: Date.parse('2024-05-01T12:00:00Z'),
  context: new Map<string, number | string>([
    ['class', 'math'],
    ['User^age', 30],
  ]),
  actions: [
    { id: 'a', features: new Map([['f', 1]]) },
    { id: 'b', features: new Map() },
    { id: 'c', features: new Map() },
  ],
  taken: 1,
  propensity: 0.25,
  // As single precision rounds it.
  probabilities: Float64Array.of(0.5, 0.25, 0.2500001),
  reward: 0.75,
  position: 2,
  weight: 1,
  skipLearn: false,
}

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

suite('a row as a decision', () => {
  test('arms, distribution, class and reward carry over; what has no column is metadata', () => {
    const decision = toDecision(ROW)
    assert.deepEqual(
      [decision.arm, decision.eligible, decision.requestClass, decision.atMs, decision.servedReason],
      ['b', ['a', 'b', 'c'], 'math', ROW.atMs, 'drawn'],
    )
    const sum = decision.probabilities.reduce((total, value) => total + value, 0)
    assert.ok(Math.abs(sum - 1) < 1e-15)
    assert.equal(decision.propensity, decision.probabilities[1])
    assert.deepEqual(decision.metadata, { position: '2' })
    assert.equal(decision.rewards[0]?.value, 0.75)
    assert.equal(decision.x[0], 1)
    assert.equal(decision.x.length, 32)
    assert.equal(toDecision(ROW).id, decision.id)
    assert.notEqual(toDecision({ ...ROW, id: 'event-2' }).id, decision.id)
  })

  test('a distribution that is not known is refused, or shared out and said so', () => {
    const unknown = { ...ROW, probabilities: undefined }
    assert.throws(() => toDecision(unknown), {
      code: 'dataset_bad_option',
      message: /event-1: .*--spread-propensity/,
    })
    const decision = toDecision(unknown, { spread: true })
    assert.deepEqual([...decision.probabilities], [0.375, 0.25, 0.375])
    assert.equal(decision.metadata['probabilities'], 'spread')
  })

  test('a row that stands for several is refused: our log has no weights', () => {
    assert.throws(() => toDecision({ ...ROW, weight: 4 }), {
      code: 'dataset_bad_option',
      message: /event-1: stands for 4 rounds/,
    })
  })

  test('every format of ours keeps it, and gives the row back', async () => {
    const place = await folder.of({})
    for (const format of ['jsonl', 'parquet', 'dsjson'] as const) {
      const file = join(place, `log.${format}`)
      async function* one() {
        yield toDecision(ROW)
      }
      await writeLogFile(one(), file)
      assert.deepEqual(await listOf(readLogFile(file)), [toDecision(ROW)], format)
      const [row] = await listOf(readBanditFile(file))
      assert.deepEqual(
        [row?.reward, row?.taken, row?.propensity],
        [0.75, 1, toDecision(ROW).propensity],
        format,
      )
    }
  })

  test('a decision as a row: its class and numbers are the context', () => {
    const row = fromDecision(toDecision(ROW))
    assert.equal(row.context.get('class'), 'math')
    assert.equal(row.context.get('x^x0'), 1)
    assert.deepEqual([...(row.probabilities ?? [])], [...toDecision(ROW).probabilities])
    assert.deepEqual(
      row.actions.map(({ id }) => id),
      ['a', 'b', 'c'],
    )
  })
})

test('hashing: the same name to the same place, categories apart, inner products kept on average', () => {
  const a = hashedVector(new Map([['x', 2]]), 8)
  assert.deepEqual(
    hashedVector(new Map([['x', 4]]), 8).slice(1),
    a.slice(1).map((value) => 2 * value),
  )
  assert.notDeepEqual(hashedVector(new Map([['c', 'red']]), 64), hashedVector(new Map([['c', 'blue']]), 64))
  // E[⟨φ(u), φ(v)⟩] = ⟨u, v⟩ = 1 where one of ten features is shared; each of 100 collisions has mean 0 and variance 1/63.
  const draws = 2000
  let sum = 0
  for (let k = 0; k < draws; k++) {
    const of = (side: string) =>
      new Map(Array.from({ length: 10 }, (_, i) => [i === 0 ? `${k}` : `${k}${side}${i}`, 1]))
    const [u, v] = [hashedVector(of('u'), 64), hashedVector(of('v'), 64)]
    for (let i = 1; i < 64; i++) sum += (u[i] ?? 0) * (v[i] ?? 0)
  }
  const standardError = Math.sqrt(99 / 63 / draws)
  assert.ok(Math.abs(sum / draws - 1) < 5 * standardError, `${sum / draws}`)
})
