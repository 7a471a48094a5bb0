import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { generate } from '../../datasets/crossroads/generate.ts'
import { buildRows } from '../../datasets/crossroads/rows.ts'
import { summarize, USD_PER_QUALITY_POINT } from '../../datasets/crossroads/summary.ts'
import { fill } from '../../datasets/crossroads/template.ts'
import { type Dataset, openDataset, type PromptRow } from '../../datasets/index.ts'
import { randomStream } from '../../datasets/random.ts'

suite('the bundled files', () => {
  let dataset: Dataset
  const rows: PromptRow[] = []
  before(async () => {
    dataset = await openDataset('crossroads')
    for await (const row of dataset.rows()) rows.push(row)
  })
  const bundled = (name: string) => readFile(join(dataset.folder, name))

  test('are what the generator makes, byte for byte', async () => {
    const files = generate()
    const lines = gunzipSync(await bundled('prompts.jsonl.gz')).toString('utf8')
    assert.ok(
      lines === files.promptLines,
      'prompts.jsonl.gz differs; run node datasets/crossroads/generate.ts',
    )
    assert.equal((await bundled('models.json')).toString(), files.models)
    assert.ok((await bundled('README.md')).toString().includes(files.tables), 'the README has other tables')
  })

  test('say in README and models.json that the outcomes are simulated', async () => {
    assert.match((await bundled('README.md')).toString(), /outcomes are simulated,\s+not measured/)
    const models = Object.values(JSON.parse((await bundled('models.json')).toString())) as {
      price_source: string
    }[]
    assert.equal(models.length, 6)
    for (const model of models) assert.match(model.price_source, /simulated, not measured/)
  })

  test('hold at least 800 different prompts of ten classes, each with all six arms', () => {
    assert.ok(rows.length >= 800)
    assert.equal(new Set(rows.map((row) => row.prompt.trim().replace(/\s+/g, ' '))).size, rows.length)
    assert.ok(new Set(rows.map((row) => row.category)).size >= 10)
    for (const row of rows) {
      assert.deepEqual([...row.outcomes.keys()].sort(), [...dataset.models.keys()].sort())
      assert.doesNotMatch(row.prompt, /\[\[|\]\]|undefined/)
    }
  })

  test('cost what tokens times price make', () => {
    for (const row of rows) {
      for (const [arm, outcome] of row.outcomes) {
        const price = dataset.models.get(arm)!
        const microUsd =
          outcome.inputTokens! * price.inputUsdPerMtok + outcome.outputTokens! * price.outputUsdPerMtok
        assert.ok(Math.abs(outcome.costUsd! - microUsd / 1e6) <= 1e-9, `${row.promptId} ${arm}`)
      }
    }
  })

  test('split 70/30 by the hash of the id', () => {
    for (const row of rows) {
      const digest = hash('sha256', `split-v1:crossroads:${row.promptId}`)
      assert.equal(row.split, Number.parseInt(digest.slice(0, 8), 16) % 100 < 70 ? 'train' : 'test')
    }
    const share = rows.filter((row) => row.split === 'train').length / rows.length
    assert.ok(Math.abs(share - 0.7) < 5 * Math.sqrt((0.7 * 0.3) / rows.length), `train share ${share}`)
  })

  test('span prices 50×, the time of a 150-token answer about 8×', () => {
    const models = [...dataset.models.values()]
    const span = (values: readonly number[]) => Math.max(...values) / Math.min(...values)
    assert.ok(Math.abs(span(models.map((model) => model.outputUsdPerMtok)) - 50) < 1e-9)
    const times = models.map((model) => model.latency!.ttftMsP50 + 150 * model.latency!.tpotMsP50)
    assert.ok(span(times) > 7 && span(times) < 9, String(times))
  })
})

suite('the world behind the rows', () => {
  const rows = buildRows()
  const summary = summarize(rows)

  test('no arm is best everywhere, and each is the best value of some class', () => {
    const classes = [...summary.byClass.values()]
    assert.ok(new Set(classes.map((row) => row.bestQuality)).size >= 4)
    assert.deepEqual(new Set(classes.map((row) => row.bestValue)), new Set(summary.byArm.keys()))
  })

  test('choosing by class beats the best single arm, and the oracle beats both clearly', () => {
    const value = (point: { quality: number; costUsd: number }) =>
      point.quality - (0.01 * point.costUsd) / USD_PER_QUALITY_POINT
    assert.ok(summary.classBest.quality > summary.bestSingle.quality + 0.04)
    assert.ok(value(summary.classBestValue) > value(summary.bestSingle) + 0.04)
    assert.ok(summary.oracle.quality > summary.bestSingle.quality + 0.1)
    assert.ok(summary.oracle.costUsd < summary.bestSingle.costUsd)
    assert.ok(summary.random.quality < summary.bestSingle.quality)
  })

  test('another seed makes another set of the same shape', () => {
    const other = buildRows('another seed')
    assert.equal(other.length, rows.length)
    assert.notDeepEqual(other[0], rows[0])
  })
})

suite('templates', () => {
  const slots = { name: ['Ann', 'Bob', 'Cy'], greeting: ['hi [[name:a]]'] }
  const write = (template: string, seed = 1) => fill(template, slots, randomStream(seed))

  test('a labelled slot keeps its value, an unlabelled one takes values not used yet', () => {
    for (let seed = 0; seed < 50; seed++) {
      const [first, again] = write('[[name:a]] [[name:a]]', seed).split(' ')
      assert.equal(first, again)
      assert.equal(new Set(write('[[name]] [[name]] [[name]]', seed).split(' ')).size, 3)
      assert.match(write('[[greeting]] [[name:a]]', seed), /^hi (\w+) \1$/)
    }
  })

  test('a number lies in its range, both ends included', () => {
    const seen = new Set(Array.from({ length: 200 }, (_, seed) => write('[[int:3..5]]', seed)))
    assert.deepEqual([...seen].sort(), ['3', '4', '5'])
  })

  test('an unknown slot and a slot within itself are refused', () => {
    assert.throws(() => write('[[nobody]]'), /no values for \[\[nobody\]\]/)
    assert.throws(() => fill('[[a]]', { a: ['[[a]]'] }, randomStream(1)), /nest deeper/)
  })
})
