import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type LoggedBanditRow, readBanditFile } from '../../../datasets/index.ts'
import { csv, datasetError, type Folder, listOf, temporaryFolder } from '../../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../../helpers/shared.ts'

const HEADER = [
  '',
  'timestamp',
  'item_id',
  'position',
  'click',
  'propensity_score',
  'user_feature_0',
  'user_feature_1',
  'user-item_affinity_0',
  'user-item_affinity_1',
]
const ROWS: readonly (readonly unknown[])[] = [
  [0, '2019-11-24 00:00:03.442536+00:00', 1, 3, 0, 0.25, 'abc', 'def', '0.0', '0.0'],
  [1, '2019-11-24 00:01:00+00:00', 0, 1, 1, 0.75, 'abc', '', '2.0', '0.0'],
]
const ITEMS = csv([
  ['', 'item_id', 'item_feature_0', 'item_feature_1'],
  [0, 0, -0.5, 'red'],
  [1, 1, 0, 'blue'],
])
const log = (rows = ROWS, header: readonly string[] = HEADER) => csv([header, ...rows])

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

async function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<LoggedBanditRow[]> {
  const place = await folder.of(files)
  const file = Object.keys(files).find((name) => !name.startsWith('item_context')) as string
  return await listOf(readBanditFile(join(place, file)))
}

suite('Open Bandit', () => {
  test('a row is a decision among the items, each with its features and the user’s affinity to it', async () => {
    const [first, second] = await read({ 'men.csv': log(), 'item_context.csv': ITEMS })
    assert.deepEqual(first, {
      id: 'men.csv:2',
      atMs: Date.parse('2019-11-24T00:00:03.442Z'),
      context: new Map([
        ['user_feature_0', 'abc'],
        ['user_feature_1', 'def'],
      ]),
      actions: [
        {
          id: '0',
          features: new Map<string, number | string>([
            ['item_feature_0', -0.5],
            ['item_feature_1', 'red'],
          ]),
        },
        { id: '1', features: new Map([['item_feature_1', 'blue']]) },
      ],
      taken: 1,
      propensity: 0.25,
      probabilities: undefined,
      reward: 0,
      position: 3,
      weight: 1,
      skipLearn: false,
    })
    assert.deepEqual([second?.taken, second?.reward, second?.position, second?.propensity], [0, 1, 1, 0.75])
    assert.equal(second?.actions[0]?.features.get('affinity'), 2)
    assert.equal(second?.context.has('user_feature_1'), false)
  })

  test('gzipped, with the items in a file named after the log, or known from the affinities alone', async () => {
    const named = await read({ 'bts_men.csv.gz': gzipSync(log()), 'item_context_bts_men.csv': ITEMS })
    assert.equal(named[0]?.actions[0]?.features.get('item_feature_1'), 'red')
    const bare = await read({ 'men.csv': log() })
    assert.deepEqual(bare[0]?.actions, [
      { id: '0', features: new Map() },
      { id: '1', features: new Map() },
    ])
  })

  test('the propensity’s other name', async () => {
    const [first] = await read({
      'men.csv': log(ROWS, HEADER.with(5, 'action_prob')),
      'item_context.csv': ITEMS,
    })
    assert.equal(first?.propensity, 0.25)
  })

  const bad: readonly (readonly [string, string, RegExp])[] = [
    [
      'a propensity of 0',
      log([ROWS[0]!.with(5, 0)]),
      /men\.csv:2 propensity_score: expected a probability in \(0, 1\], got 0/,
    ],
    [
      'no propensity',
      log([ROWS[0]!.with(5, '')]),
      /men\.csv:2 propensity_score: expected a probability, got ""/,
    ],
    [
      'an item that is not there',
      log([ROWS[0]!.with(2, 9)]),
      /men\.csv:2 item_id: expected one of the 2 items, got 9/,
    ],
    ['a click that is none', log([ROWS[0]!.with(4, 2)]), /men\.csv:2 click: expected true or false, got "2"/],
    [
      'a position that is none',
      log([ROWS[0]!.with(3, 0)]),
      /men\.csv:2 position: expected a position, counted from 1, got 0/,
    ],
    [
      'a time that is none',
      log([ROWS[0]!.with(1, 'noon')]),
      /men\.csv:2 timestamp: expected a time, got "noon"/,
    ],
  ]
  for (const [what, text, message] of bad) {
    test(`${what} is refused by file, line and column`, async () => {
      const error = await datasetError(read({ 'men.csv': text, 'item_context.csv': ITEMS }))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }

  test('nothing tells of the items', async () => {
    const error = await datasetError(
      read({
        'men.csv': log(
          ROWS.map((row) => row.slice(0, 8)),
          HEADER.slice(0, 8),
        ),
      }),
    )
    assert.equal(error.code, 'dataset_not_found')
    assert.match(error.message, /put item_context_men\.csv or item_context\.csv beside it/)
  })
})

/** Of the sample's README: clicks of 10,000 rows. */
const SAMPLE = [
  { name: 'random_men', items: 34, clicks: 46 },
  { name: 'bts_men', items: 34, clicks: 69 },
  { name: 'random_women', items: 46, clicks: 46 },
  { name: 'bts_women', items: 46, clicks: 46 },
] as const
for (const { name, items, clicks } of SAMPLE) {
  test(
    `the Open Bandit sample, ${name}: rows, items and clicks as stated`,
    needsShared('data/obd'),
    async () => {
      let [rows, clicked, affinities] = [0, 0, 0]
      let previousMs = 0
      for await (const row of readBanditFile(sharedPath('data', 'obd', `${name}.csv.gz`))) {
        rows += 1
        clicked += row.reward ?? Number.NaN
        assert.equal(row.actions.length, items)
        if (name.startsWith('random')) assert.ok(Math.abs(row.propensity - 1 / items) < 1e-12)
        affinities += row.actions.filter(({ features }) => features.has('affinity')).length
        assert.ok((row.atMs ?? 0) >= previousMs, 'in the order of time')
        previousMs = row.atMs ?? 0
      }
      assert.deepEqual([rows, clicked], [10_000, clicks])
      assert.ok(affinities > 0)
    },
  )
}

test(
  'the value of the uniform policy from the Thompson log of men is the one stated',
  needsShared('data/obd'),
  async () => {
    let [sum, weights, squares, largest] = [0, 0, 0, 0]
    for await (const row of readBanditFile(sharedPath('data', 'obd', 'bts_men.csv.gz'))) {
      const weight = 1 / row.actions.length / row.propensity
      sum += weight * (row.reward ?? 0)
      weights += weight
      squares += weight * weight
      largest = Math.max(largest, weight)
    }
    assert.equal((sum / 10_000).toFixed(5), '0.00301')
    assert.equal((sum / weights).toFixed(5), '0.00319')
    assert.equal(Math.round((weights * weights) / squares), 656)
    assert.equal(Math.round(largest), 178)
  },
)
