/** A policy file tuned on a log whose counterfactuals are known. */
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import {
  createPolicyFile,
  hash53,
  type PolicyFile,
  readPolicyFile,
  writePolicyFile,
} from '../../engine/index.ts'
import {
  createTarget,
  type LogTuneOptions,
  type ReadableLog,
  renderLogTuneTable,
  tuneOnLog,
} from '../../eval/index.ts'
import { loggedWorld, readable, type World } from '../helpers/logged-world.ts'

suite('tune on a log', () => {
  let world: World
  let file: PolicyFile
  before(async () => {
    world = await loggedWorld({ decisions: 6_000, policy: { name: 'thompson', exploration: 1 }, floor: 0.3 })
    file = createPolicyFile(world.router, {
      // Hardly better than a coin: any use of what the file knows is an improvement.
      policy: { name: 'softmax', temperature: 5 },
      hyperparameters: { floor: 0, effectiveSamples: 2_000, halfLifeMs: {} },
      provenance: { createdMs: 1, source: 'log', split: 'all', rows: 6_000 },
    })
  })
  const half = (index: number): ReadableLog =>
    readable(world.rows.filter(({ id }) => Math.floor(2 * hash53(id, 'half')) === index))
  const search = (options: Partial<LogTuneOptions> = {}) =>
    tuneOnLog({
      search: half(0),
      heldOut: half(1),
      file,
      objective: 'quality',
      trials: 6,
      createdMs: 2,
      versions: { highwayman: '0.0.0' },
      ...options,
    })

  test('finds settings that are better in truth, and says by how much on decisions it never saw', async () => {
    const { file: tuned, trials } = await search()
    assert.ok(tuned !== undefined)
    const truthOf = (judged: PolicyFile) => {
      const target = createTarget({ kind: 'file', file: judged, name: 'x', hash: '' })
      return world.truth((row) => target.distribution(row))
    }
    const { heldOut, objective, trials: tried } = tuned.provenance.tuning!
    assert.ok(truthOf(tuned) > truthOf(file) + 0.03, `${truthOf(file)} → ${truthOf(tuned)}`)
    // Of one interval of 95 %: half as wide again misses once in 300 times.
    const { lo, hi, mean } = heldOut.value
    assert.ok(Math.abs(truthOf(tuned) - mean) < 1.5 * Math.max(hi - mean, mean - lo), JSON.stringify(heldOut))
    assert.deepEqual([objective, tried], ['dr:quality', 6])
    assert.equal(heldOut.rows + heldOut.fittedRows, 6_000)
    assert.deepEqual(tuned.sums, file.sums)
    assert.deepEqual(readPolicyFile(JSON.parse(writePolicyFile(tuned))), tuned)
    const bounds = trials.map(({ difference }) => difference?.lo ?? Number.NEGATIVE_INFINITY)
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => b - a),
    )
    assert.match(renderLogTuneTable(await search({ trials: 2 })), /held out +quality 0\.\d{4} \[/)
  })

  test('the same log, seed and file give the same file', async () => {
    const [one, again] = [await search({ trials: 3 }), await search({ trials: 3 })]
    assert.equal(writePolicyFile(again.file!), writePolicyFile(one.file!))
  })

  test('a log that tells too little gives no file but the reasons', async () => {
    const few = readable(world.rows.slice(0, 50))
    const result = await search({ search: few, heldOut: few, trials: 2 })
    assert.equal(result.file, undefined)
    assert.ok(result.evaluation.refused && result.evaluation.reasons.length > 0)
    assert.match(renderLogTuneTable(result), /no estimate, so no file:/)
  })
})
