/** The classes of a data set's rows, of a gateway's in particular: by name, by a map, by the words of the prompt. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { renameArms } from '../../datasets/index.ts'
import { createFeatureSpace, DEFAULT_CLASSES, readPolicyFile, writePolicyFile } from '../../engine/index.ts'
import { fitPolicyFile, replay, selectOutcomes, tune } from '../../eval/index.ts'
import { datasetOf, outcome, row, skilledRows } from './worlds.ts'

const good = { x: outcome(1, 0.5) }
const ROWS = [
  row('a', good, { category: 'physics' }),
  row('b', good, { category: 'math' }),
  row('c', good, { category: 'letters', prompt: 'Translate to French: good morning' }),
]
const CLASSES = ['translation', 'math', 'chat']

/** The sets' own names are `words` and `sums`; neither is a default class. */
const SKILLED = datasetOf(skilledRows(300))
const GATEWAY = { classes: DEFAULT_CLASSES, classMap: { sums: 'math' } }
const VERSIONS = { highwayman: '0.0.0', node: '24' }

suite('the class of a row', () => {
  test('is by the map, else its own name, else what its prompt is about; classes keep their order', () => {
    const { evaluation, labels } = selectOutcomes(ROWS, {
      split: 'all',
      classes: CLASSES,
      classMap: { physics: 'chat' },
    })
    assert.deepEqual(evaluation.classes, CLASSES)
    assert.deepEqual([...evaluation.classOf], [2, 1, 0])
    assert.deepEqual(labels, { byName: 1, byMap: 1, inferred: 1 })
  })

  test('a map alone renames, and the classes are what comes of it', () => {
    const { evaluation } = selectOutcomes(ROWS, { split: 'all', classMap: { physics: 'math' } })
    assert.deepEqual(evaluation.classes, ['letters', 'math'])
    assert.deepEqual([...evaluation.classOf], [1, 1, 0])
  })

  test('without one it is an error that names the class, its rows, and what to do', () => {
    const refused = (options: object, message: RegExp) =>
      assert.throws(() => selectOutcomes(ROWS, { split: 'all', ...options }), {
        code: 'eval_unknown_class',
        message,
      })
    refused(
      { classes: ['math', 'law'], classMap: { physics: 'law' } },
      /category 'letters' \(1 row\), which is none of the classes, nor what their prompts are about: map each to one of 'math', 'law'.*--class-map 'letters=math'/,
    )
    refused(
      { classes: CLASSES, inferOthers: false },
      /'physics' \(1 row\), 'letters' \(1 row\), which is none of the classes: map/,
    )
    refused({ classes: CLASSES, classMap: { physics: 'maths' } }, /'physics' to 'maths', which is no class/)
  })
})

suite('a policy file for a gateway', () => {
  test('of fit is over the gateway’s features; a replay gives its rows the same classes', async () => {
    const fitted = await fitPolicyFile({
      dataset: SKILLED,
      policy: 'thompson',
      split: 'train',
      createdMs: 0,
      ...GATEWAY,
    })
    const policyFile = readPolicyFile(JSON.parse(writePolicyFile(fitted)))
    assert.deepEqual(policyFile, fitted)
    assert.equal(policyFile.featureSpace.id, createFeatureSpace().id)
    const { labels } = policyFile.provenance
    const sums = skilledRows(300).filter(({ category, split }) => category === 'sums' && split === 'train')
    assert.deepEqual(labels?.map, GATEWAY.classMap)
    assert.deepEqual(labels?.rows, {
      byName: 0,
      byMap: sums.length,
      inferred: policyFile.provenance.rows - sums.length,
    })
    const other = await fitPolicyFile({
      dataset: SKILLED,
      policy: 'thompson',
      split: 'test',
      createdMs: 0,
      ...GATEWAY,
    })
    const { byMap, inferred } = other.provenance.labels!.rows
    assert.equal(byMap + inferred, other.provenance.rows, 'of the rows that were learned from, and no others')
    const judged = await replay({ dataset: SKILLED, policy: policyFile.policy, policyFile, resamples: 20 })
    assert.deepEqual(judged.classes, DEFAULT_CLASSES)
    const counted = selectOutcomes(skilledRows(300), { split: 'test', ...GATEWAY }).evaluation
    for (const [name, { n }] of Object.entries(judged.byClass)) {
      const label = DEFAULT_CLASSES.indexOf(name)
      assert.equal(n, counted.classOf.filter((each) => each === label).length, name)
    }
    // Each class's best arm is right nine times in ten, the best single one six.
    assert.ok(judged.verdict.significant, judged.verdict.text)
  })

  test('of tune is over them too: no text is tried, as no log has it', async () => {
    const { file } = await tune({
      dataset: SKILLED,
      trials: 2,
      createdMs: 0,
      versions: VERSIONS,
      ...GATEWAY,
    })
    assert.equal(file.featureSpace.id, createFeatureSpace().id)
    assert.deepEqual(file.provenance.tuning?.searchSpace['textComponents'], [0])
    assert.deepEqual(file.provenance.labels?.map, GATEWAY.classMap)
  })

  test('of other arms than the rows have is not judged as one that knows nothing', async () => {
    const policyFile = await fitPolicyFile({ dataset: SKILLED, policy: 'thompson', createdMs: 0 })
    const arms = { 'lab/scribe': 'a/one', 'lab/adder': 'a/two', 'lab/bargain': 'a/three' }
    const dataset = renameArms(SKILLED, arms)
    await assert.rejects(replay({ dataset, policy: 'thompson', policyFile }), {
      code: 'eval_unknown_arm',
      message: /is of lab\/adder, .* the rows are of a\/one, a\/two, a\/three: .*--arm-map/,
    })
  })

  test('by tasks is replayed by tasks, and a name that no row has is a slip of the pen', async () => {
    const options = { dataset: SKILLED, policy: 'thompson', createdMs: 0 }
    const byTask = await fitPolicyFile({ ...options, classBy: 'task' })
    const { classes } = await replay({
      dataset: SKILLED,
      policy: 'thompson',
      policyFile: byTask,
      resamples: 2,
    })
    assert.deepEqual(classes, ['task'])
    const slip = { ...GATEWAY, classMap: { summs: 'math' } }
    const refusal = { code: 'eval_unknown_class', message: /'summs'.*category of no row.*'sums', 'words'/ }
    await assert.rejects(fitPolicyFile({ ...options, ...slip }), refusal)
    await assert.rejects(
      tune({ dataset: SKILLED, trials: 1, createdMs: 0, versions: VERSIONS, ...slip }),
      refusal,
    )
  })
})

suite('a class that the rows to learn from lack', () => {
  test('has a place in the file and takes none of the others’ rows', async () => {
    const of = (category: string, quality: number, split: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        row(
          `${category}${split}${i}`,
          { x: outcome(quality, 0.5), y: outcome(0.5, 0.5) },
          { category, split },
        ),
      )
    const dataset = datasetOf([
      ...of('m', 1, 'train', 40),
      ...of('z', 0, 'train', 30),
      ...of('a', 1, 'test', 5),
    ])
    const file = await fitPolicyFile({ dataset, policy: 'thompson', createdMs: 0 })
    assert.deepEqual(file.featureSpace.classes, ['a', 'm', 'z'])
    const sums = file.sums.find(({ arm, head }) => arm === 'x' && head === 'quality')!
    // The packed lower triangle: entry (i, i) is at i(i + 3)/2; coordinate 0 is the intercept.
    const seen = [1, 2, 3].map((i) => Math.round(sums.A[(i * (i + 3)) / 2]!))
    assert.deepEqual(seen, [0, 40, 30])
  })

  test('a map given to a replay that names nothing is a slip there as well', async () => {
    const options = { dataset: SKILLED, policy: 'thompson', classMap: { smus: 'words' }, resamples: 5 }
    await assert.rejects(replay(options), { code: 'eval_unknown_class' })
  })
})
