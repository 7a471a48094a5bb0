import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { DatasetError, listBundledScenarios, openScenario } from '../../datasets/index.ts'

suite('scenarios', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-scenario-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function file(content: unknown): Promise<string> {
    const path = join(folder, 'own.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  async function refused(name: string, code: string, message: RegExp): Promise<void> {
    await assert.rejects(openScenario(name), (error) => {
      assert.ok(error instanceof DatasetError)
      assert.equal(error.code, code)
      assert.match(error.message, message)
      return true
    })
  }

  test('those that are bundled can be opened by name', async () => {
    const names = await listBundledScenarios()
    assert.ok(names.includes('crossroads-price-cut'))
    for (const name of names) {
      const scenario = await openScenario(name)
      assert.equal(scenario.name, name)
      assert.ok(scenario.events.length > 0 && scenario.description.endsWith('.'))
    }
  })

  test('a file of one’s own: every kind of event', async () => {
    const path = await file({
      description: 'All of them.',
      events: [
        { atStep: 1, arm: 'a/b', priceFactor: 0.5 },
        { atStep: 2, arm: 'a/b', qualityDelta: -0.1 },
        { atStep: 3, arm: 'a/b', remove: true },
        { atStep: 4, arm: 'a/b', add: true },
        { atStep: 5, classWeights: { math: 3, chat: 0 } },
      ],
    })
    assert.deepEqual(await openScenario(path), {
      name: 'own',
      description: 'All of them.',
      events: [
        { kind: 'price', atStep: 1, arm: 'a/b', priceFactor: 0.5 },
        { kind: 'quality', atStep: 2, arm: 'a/b', qualityDelta: -0.1 },
        { kind: 'remove', atStep: 3, arm: 'a/b' },
        { kind: 'add', atStep: 4, arm: 'a/b' },
        { kind: 'classes', atStep: 5, classWeights: { math: 3, chat: 0 } },
      ],
    })
  })

  test('a name that is none: the bundled ones are listed', async () => {
    await refused('price-cut', 'dataset_not_found', /'price-cut'.*crossroads-price-cut/)
  })

  test('a mistake is told with file, field and what was found', async () => {
    const event = (changes: object) => ({ description: 'x', events: [{ atStep: 1, arm: 'a', ...changes }] })
    const wrong: [unknown, RegExp][] = [
      ['{', /own\.json: not JSON/],
      [[], /own\.json top level: expected an object/],
      [{ description: 'x', events: [] }, /events: expected at least one event/],
      [event({}), /events\.0: expected exactly one of priceFactor, qualityDelta, add, remove/],
      [event({ add: true, priceFactor: 2 }), /events\.0: expected exactly one of/],
      [event({ priceFactor: 0 }), /events\.0\.priceFactor: expected a factor > 0, got 0/],
      [event({ qualityDelta: -2 }), /events\.0\.qualityDelta: expected a number from −1 to 1, got -2/],
      [event({ add: false }), /events\.0\.add: expected true, got false/],
      [event({ add: true, atStep: -1 }), /events\.0\.atStep: expected a whole number ≥ 0, got -1/],
      [event({ add: true, atStep: 1.5 }), /events\.0\.atStep: expected a whole number ≥ 0, got 1\.5/],
      [
        event({ classWeights: { math: 2 } }),
        /events\.0: expected the id of an arm with a change of an arm, and none/,
      ],
      [event({ classWeights: { math: -1 } }), /classWeights\.math: expected a weight ≥ 0, got -1/],
      [event({ latency: 2 }), /own\.json events\.0/],
    ]
    for (const [content, message] of wrong)
      await refused(await file(content), 'dataset_bad_scenario', message)
  })
})
