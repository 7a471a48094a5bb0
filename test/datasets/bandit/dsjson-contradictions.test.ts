/** Lines of dsjson that say a thing twice, or in two ways. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type LoggedBanditRow, readBanditFile, rowsOfDsjson } from '../../../datasets/index.ts'
import { datasetError, type Folder, listOf, temporaryFolder } from '../../helpers/dataset-files.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

async function read(line: string): Promise<LoggedBanditRow[]> {
  return await listOf(readBanditFile(join(await folder.of({ 'log.dsjson': `${line}\n` }), 'log.dsjson')))
}

const LINE = {
  _label_cost: -1,
  _label_probability: 0.05,
  _label_Action: 2,
  _labelIndex: 1,
  o: [{ v: 1, EventId: '13118d9b' }],
  EventId: '13118d9b',
  a: [2, 3, 1],
  c: { User: { name: 'Cathy' }, _multi: [{ _tag: 'one' }, { _tag: 'two' }, { _tag: 'three' }] },
  p: [0.05, 0.05, 0.9],
}
const slotted = (...slots: readonly object[]) => ({ EventId: 'page', c: LINE.c, _outcomes: slots })

suite('dsjson', () => {
  test('an action is named by its number where there is no index', () => {
    const line = { ...LINE, _labelIndex: undefined, _label_Action: 3, _label_probability: undefined }
    const [row] = rowsOfDsjson(line, 'f:1')
    assert.deepEqual([row?.taken, row?.propensity], [2, 0.05])
  })

  test('what stands in a line again as a value, or further inside, is not said twice', async () => {
    const c = { ...LINE.c, a: [{ a: 'c' }, ['p', 'o']], _label_cost: 'a', 'q"{': '\\"' }
    const text = JSON.stringify({ ...LINE, c, EventId: 'EventId' })
    const [row] = await read(text)
    assert.deepEqual([row?.id, row?.reward], ['EventId', 1])
  })

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'an action and an index that differ',
      { ...LINE, _label_Action: 3 },
      /log\.dsjson:1 _label_Action: expected 2, since _labelIndex is 1, got 3/,
    ],
    [
      'an action alone that is not there',
      { ...LINE, _labelIndex: undefined, _label_Action: 4 },
      /_label_Action: expected one of the actions in "a", got 4/,
    ],
    [
      'a probability that differs from the action’s',
      { ...LINE, _label_probability: 0.5 },
      /_label_probability: expected 0\.05, the action’s own in the probabilities, got 0\.5/,
    ],
    [
      'to learn from and not to',
      { ...LINE, _skipLearn: true, skipLearn: false },
      /skipLearn: expected true, since _skipLearn is, got false/,
    ],
    [
      'a label twice',
      `${JSON.stringify(LINE).slice(0, -1)}, "_label_c\\u006fst": 0}`,
      /log\.dsjson:1 _label_cost: expected once in a line, got twice/,
    ],
    [
      'slots that share an id',
      slotted({ _id: 's', _a: [1, 2], _p: [0.5, 0.5] }, { _id: 's', _a: [2], _p: [1] }),
      /_outcomes\.1 _id: expected one of its own, got "s", which an earlier slot has/,
    ],
    [
      'slots that take the same action',
      slotted({ _a: [1, 2], _p: [0.5, 0.5] }, { _a: [1, 2], _p: [0.5, 0.5] }),
      /_outcomes\.1 _a: expected an action that is left, got 1, which an earlier slot took/,
    ],
  ]
  for (const [what, line, message] of bad) {
    test(`${what}: refused by file, line and field`, async () => {
      const error = await datasetError(read(typeof line === 'string' ? line : JSON.stringify(line)))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }
})
