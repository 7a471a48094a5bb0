/** Vowpal Wabbit's two formats: what of theirs is read, that ours comes back, and what is refused. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import {
  banditRowToDsjson,
  type LoggedBanditRow,
  readBanditFile,
  rowsOfDsjson,
  toCbAdf,
} from '../../../datasets/index.ts'
import { datasetError, type Folder, listOf, temporaryFolder } from '../../helpers/dataset-files.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

async function read(name: string, text: string | Uint8Array): Promise<LoggedBanditRow[]> {
  return await listOf(readBanditFile(join(await folder.of({ [name]: text }), name)))
}

/** As a decision service writes it: single precision, features of every kind. */
const LINE = {
  _label_cost: -1,
  _label_probability: 0.05000000074505806,
  _label_Action: 2,
  _labelIndex: 1,
  o: [{ v: 1, EventId: '13118d9b', ActionTaken: false }],
  Timestamp: '2021-02-04T16:31:29.2460000Z',
  Version: '1',
  EventId: '13118d9b',
  a: [2, 3, 1],
  c: {
    bool_true: true,
    bool_false: false,
    zero: 0,
    count: 3,
    _synthetic: false,
    numbers: [4, 5.5],
    _text: 'two words',
    User: { name: 'Cathy', _age: 7, Inner: { deep: 1 } },
    FromUrl: [{ timeofday: 'Afternoon' }, { weather: 'Sunny' }],
    _multi: [
      { _tag: 'Cappucino', i: { constant: 1, id: 'Cappucino' }, j: [{ type: 'hot' }] },
      { TAction: { topic: 'brew' } },
      { i: { id: 'Cappucino' } },
    ],
  },
  p: [0.05000000074505806, 0.05000000074505806, 0.8999999761581421],
  VWState: { m: 'N/A' },
}

suite('dsjson', () => {
  test('a decision service’s line', async () => {
    const [row] = await read('log.dsjson', `${JSON.stringify(LINE)}\n`)
    assert.deepEqual(row, {
      id: '13118d9b',
      atMs: Date.parse('2021-02-04T16:31:29.246Z'),
      context: new Map<string, number | string>([
        ['bool_true', 1],
        ['count', 3],
        ['numbers^0', 4],
        ['numbers^1', 5.5],
        ['two', 1],
        ['words', 1],
        ['User^name', 'Cathy'],
        ['User.Inner^deep', 1],
        ['FromUrl^timeofday', 'Afternoon'],
        ['FromUrl^weather', 'Sunny'],
      ]),
      actions: [
        {
          id: 'Cappucino',
          features: new Map<string, number | string>([
            ['i^constant', 1],
            ['i^id', 'Cappucino'],
            ['j^type', 'hot'],
          ]),
        },
        { id: 'action/2', features: new Map([['TAction^topic', 'brew']]) },
        { id: 'Cappucino#2', features: new Map([['i^id', 'Cappucino']]) },
      ],
      taken: 1,
      propensity: 0.05000000074505806,
      probabilities: Float64Array.of(0.8999999761581421, 0.05000000074505806, 0.05000000074505806),
      reward: 1,
      position: undefined,
      weight: 1,
      skipLearn: false,
    })
  })

  test('what is left out: time, event, label index, probabilities, outcomes', async () => {
    const { c } = LINE
    const line = { _label_cost: 0, _label_probability: 0.5, a: [3, 1, 2], c }
    const [row] = await read('log.dsjson.gz', gzipSync(JSON.stringify(line)))
    assert.match(row?.id ?? '', /log\.dsjson\.gz:1$/)
    assert.deepEqual(
      [row?.atMs, row?.taken, row?.propensity, row?.probabilities],
      [undefined, 2, 0.5, undefined],
    )
    // A cost is an outcome, unless a list of outcomes says that there was none.
    assert.ok(Object.is(row?.reward, 0))
    const rewards = [{ o: [] }, { o: [], _label_cost: -2 }, { _label_cost: undefined }].map(
      (change) => rowsOfDsjson({ ...line, ...change }, 'f:1')[0]?.reward,
    )
    assert.deepEqual(rewards, [undefined, 2, undefined])
  })

  test('rows that were dropped, rows not to learn from, outcomes that came alone', async () => {
    const lines = [
      { ...LINE, pdrop: 0.75 },
      { ...LINE, _skipLearn: true },
      { ...LINE, skipLearn: true },
      { RewardValue: 1, EventId: 'x' },
    ]
    const rows = await read('log.dsjson', lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    assert.deepEqual(
      rows.map(({ weight, skipLearn }) => [weight, skipLearn]),
      [
        [4, false],
        [1, true],
        [1, true],
      ],
    )
  })

  test('slots: each is a decision among what those before it left', () => {
    const line = {
      Timestamp: '2021-02-04T16:31:29Z',
      EventId: 'page',
      c: {
        User: { id: 'a' },
        _multi: [{ x: { f: 1 } }, { x: { f: 2 } }, { x: { f: 3 } }],
        _slots: [{ size: 'big' }, {}],
      },
      _outcomes: [
        { _label_cost: -1, _id: 's1', _a: [2, 0, 1], _p: [0.5, 0.25, 0.25], _o: [1] },
        { _label_cost: 0, _a: [1, 0], _p: [0.75, 0.25], _o: [] },
      ],
    }
    const rows = rowsOfDsjson(line, 'f:1')
    assert.deepEqual(
      rows.map(({ id, position, taken, propensity, reward, actions }) => ({
        id,
        position,
        taken,
        propensity,
        reward,
        of: actions.map((one) => one.id),
      })),
      [
        {
          id: 's1',
          position: 1,
          taken: 2,
          propensity: 0.5,
          reward: 1,
          of: ['action/1', 'action/2', 'action/3'],
        },
        {
          id: 'page#2',
          position: 2,
          taken: 1,
          propensity: 0.75,
          reward: undefined,
          of: ['action/1', 'action/2'],
        },
      ],
    )
    assert.equal(rows[0]?.context.get('slot^size'), 'big')
  })

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no JSON', '{"a":', /log\.dsjson:1: not JSON/],
    ['no object', [1], /log\.dsjson:1 top level: expected an object, got \[1\]/],
    ['no context', { ...LINE, c: undefined }, /c: expected an object, got nothing/],
    [
      'a probability above 1',
      { ...LINE, _label_probability: 1.5 },
      /_label_probability: expected a number in \[0, 1\], got 1\.5/,
    ],
    [
      'a probability of 0',
      { ...LINE, _label_probability: 0 },
      /_label_probability: expected a number above 0, got 0/,
    ],
    [
      'no probability',
      { ...LINE, _label_probability: undefined, p: undefined },
      /_label_probability: expected a number, got nothing, and there is no p/,
    ],
    ['probabilities that are too few', { ...LINE, p: [1] }, /p: expected one for each action, got 1 for 3/],
    [
      'probabilities that do not sum to 1',
      { ...LINE, p: [0.5, 0.4, 0.05] },
      /p: expected a sum of 1, got 0\.95/,
    ],
    ['an action that is not there', { ...LINE, a: [2, 3, 4] }, /a: expected one of 3 actions, got 4/],
    ['an action twice', { ...LINE, a: [2, 3, 3] }, /a: expected each action once, got 3 twice/],
    [
      'a label elsewhere',
      { ...LINE, _labelIndex: 7 },
      /_labelIndex: expected one of the actions in "a", got 7/,
    ],
    ['a time that is none', { ...LINE, Timestamp: 'noon' }, /Timestamp: expected a time, got "noon"/],
    ['all rows dropped', { ...LINE, pdrop: 1 }, /pdrop: expected a share in \[0, 1\), got 1/],
  ]
  for (const [what, line, message] of bad) {
    test(`${what} is refused by file, line and field`, async () => {
      const text = typeof line === 'string' ? line : JSON.stringify(line)
      const error = await datasetError(read('log.dsjson', `${text}\n`))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }
})

const CB_ADF = `shared 'event-1 |User age:0.5 city:paris |Time:2 hour:3 night
'politics |Article topic:1 |Source a b:2
0:-1.5:0.25 'sports |Article topic=sports
| plain

shared | s_1 s_2
0:1.0:0.5 | a:0.5 b:1
| a:-1 zero:0

0:0:1 |x alone`

suite('cb_adf text', () => {
  test('events of lines, with tags, namespaces, weights, numbers and categories', async () => {
    const [first, second, third, ...rest] = await read('log.vw', CB_ADF)
    assert.deepEqual(rest, [])
    assert.deepEqual(first, {
      id: 'event-1',
      atMs: undefined,
      context: new Map<string, number | string>([
        ['User^age', 0.5],
        ['User^city', 'paris'],
        ['Time^hour', 6],
        ['Time^night', 2],
      ]),
      actions: [
        {
          id: 'politics',
          features: new Map([
            ['Article^topic', 1],
            ['Source^a', 1],
            ['Source^b', 2],
          ]),
        },
        { id: 'sports', features: new Map([['Article^topic=sports', 1]]) },
        { id: 'action/3', features: new Map([['plain', 1]]) },
      ],
      taken: 1,
      propensity: 0.25,
      probabilities: undefined,
      reward: 1.5,
      position: undefined,
      weight: 1,
      skipLearn: false,
    })
    assert.deepEqual(
      [second?.context, second?.reward],
      [
        new Map([
          ['s_1', 1],
          ['s_2', 1],
        ]),
        -1,
      ],
    )
    assert.deepEqual(second?.actions[1]?.features, new Map([['a', -1]]))
    assert.match(second?.id ?? '', /log\.vw:6$/)
    // Neither a shared line nor an empty one at the end is needed.
    assert.deepEqual([third?.actions.length, third?.probabilities, third?.reward], [1, Float64Array.of(1), 0])
  })

  test('line ends of another system, many empty lines, and gzip', async () => {
    const other = gzipSync(CB_ADF.replaceAll('\n\n', '\n\n\n\n').replaceAll('\n', '\r\n'))
    const [one, two] = [await read('log.vw', CB_ADF), await read('log.vw.gz', other)]
    assert.deepEqual(
      two.map(({ id: _, ...row }) => row),
      one.map(({ id: _, ...row }) => row),
    )
  })

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['no label', 'shared |a b\n|x y\n\n', /log\.vw:1: expected an action with a label/],
    ['no action', 'shared |a b\n\n', /log\.vw:1: expected an action after the shared line/],
    [
      'two labels',
      '0:1:0.5 |x\n0:1:0.5 |y\n',
      /log\.vw:2: expected one labelled action, got 2; in --cb text without adf/,
    ],
    ['a label of two parts', '0:1 |x\n', /log\.vw:1: expected a label 0:cost:probability, got "0:1"/],
    ['a cost that is none', '0:much:0.5 |x\n', /expected a label 0:cost:probability, got "0:much:0\.5"/],
    ['a probability of 0', '0:1:0 |x\n', /with a probability in \(0, 1\], got 0/],
    ['slots', 'ccb shared |x\n', /ccb examples are not read; log them as dsjson/],
    [
      'a namespace’s weight that is none',
      '0:1:1 |x:heavy a\n',
      /log\.vw:1: expected a weight after the namespace's colon, got "heavy"/,
    ],
  ]
  for (const [what, text, message] of bad) {
    test(`${what} is refused by file and line`, async () => {
      const error = await datasetError(read('log.vw', text))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }
})

const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9=-]{0,8}$/)
const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).filter((x) => x !== 0)
const category = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/)
/** Names in namespaces that no plain feature is called. */
const features = fc
  .dictionary(
    fc.oneof(
      name.map((text) => `p${text}`),
      fc.tuple(name, name).map(([space, text]) => `n${space}^${text}`),
    ),
    fc.oneof(value, category),
    { maxKeys: 5 },
  )
  .map((object) => inSpaces(new Map(Object.entries(object))))
/** Features of one namespace together: formats write them so. */
function inSpaces(map: Map<string, number | string>): Map<string, number | string> {
  const space = (key: string) => (key.includes('^') ? (key.split('^', 1)[0] ?? '') : '')
  const order = [...new Set([...map.keys()].map(space))]
  return new Map([...map].sort(([a], [b]) => order.indexOf(space(a)) - order.indexOf(space(b))))
}
const anyRow = fc
  .record({
    id: name,
    atMs: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
    context: features,
    ofActions: fc.array(fc.tuple(name, features), { minLength: 1, maxLength: 6 }),
    weights: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 6, maxLength: 6 }),
    pick: fc.nat(),
    known: fc.boolean(),
    reward: fc.option(fc.oneof(value, fc.constant(0)), { nil: undefined }),
    position: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    skipLearn: fc.boolean(),
  })
  .map(({ ofActions, weights, pick, known, ...rest }): LoggedBanditRow => {
    const parts = weights.slice(0, ofActions.length)
    const sum = parts.reduce((total, part) => total + part, 0)
    const taken = pick % ofActions.length
    return {
      ...rest,
      actions: ofActions.map(([id, ofAction], i) => ({ id: `${i}${id}`, features: ofAction })),
      taken,
      propensity: (parts[taken] ?? 0) / sum,
      probabilities: known ? Float64Array.from(parts, (part) => part / sum) : undefined,
      weight: 1,
    }
  })

/** JSON puts names that are numbers first, and features are a set. */
function asSets(row: LoggedBanditRow | undefined) {
  const entries = (map: LoggedBanditRow['context']) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    row && {
      ...row,
      context: entries(row.context),
      actions: row.actions.map(({ id, features: own }) => [id, entries(own)]),
    }
  )
}

suite('written and read', () => {
  test('dsjson gives back any row', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const text = JSON.stringify(banditRowToDsjson(row))
        assert.deepEqual(rowsOfDsjson(JSON.parse(text), 'f:1').map(asSets), [asSets(row)])
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('cb_adf text gives back what it has room for', async () => {
    const rows = fc
      .sample(anyRow, { seed: 2, numRuns: 200 })
      .map((row): LoggedBanditRow => ({ ...row, reward: row.reward ?? 0 }))
    const back = await read('log.vw', rows.map(toCbAdf).join(''))
    const fitting = rows.map((row) => ({
      ...row,
      atMs: undefined,
      position: undefined,
      skipLearn: false,
      probabilities: row.actions.length === 1 ? Float64Array.of(1) : undefined,
    }))
    assert.deepEqual(back.map(asSets), fitting.map(asSets))
  })

  test('cb_adf text has no escapes: what would break a line is replaced', async () => {
    const [row] = fc.sample(anyRow, { seed: 3, numRuns: 1 }) as [LoggedBanditRow]
    const odd = {
      ...row,
      reward: 1,
      context: new Map<string, number | string>([
        ['a b|c:d', 'e f'],
        ['n', '7'],
      ]),
    }
    const [back] = await read('log.vw', toCbAdf(odd))
    assert.deepEqual(
      back?.context,
      new Map<string, number | string>([
        ['a_b_c_d', 'e_f'],
        ['n=7', 1],
      ]),
    )
  })
})
