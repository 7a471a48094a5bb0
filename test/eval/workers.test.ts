/** Threads change how long a replay takes and nothing else. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createRouter } from '../../engine/index.ts'
import { type ReplayOptions, replay, replayScenario } from '../../eval/index.ts'
import { datasetOf, skilledRows } from './worlds.ts'

const OPTIONS = {
  dataset: datasetOf(skilledRows(240)),
  policy: 'thompson',
  online: true,
  seeds: 5,
  resamples: 20,
  baselines: ['random'],
} as const satisfies ReplayOptions

suite('threads', () => {
  test('one, two or more than there are seeds: the same to the last bit', async () => {
    const options = { ...OPTIONS, budgetUsd: 4e-4, warmStart: ['train'], split: 'test', textComponents: 2 }
    const alone = JSON.stringify(await replay(options))
    for (const workers of [2, 9]) assert.equal(JSON.stringify(await replay({ ...options, workers })), alone)
  })

  test('a scenario too', async () => {
    const scenario = {
      name: 'away',
      description: 'an arm goes',
      events: [{ kind: 'remove', atStep: 100, arm: 'lab/scribe' }],
    } as const
    const [alone, shared] = [
      await replayScenario({ ...OPTIONS, scenario }),
      await replayScenario({ ...OPTIONS, scenario, workers: 2 }),
    ]
    assert.deepEqual(shared, alone)
  })

  test('progress goes up to the end, and an abort ends the threads with its reason', async () => {
    const told: number[] = []
    await replay({ ...OPTIONS, workers: 2, onProgress: (done, total) => told.push(done / total) })
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    )
    assert.equal(told.at(-1), 1)
    const controller = new AbortController()
    const running = replay({
      ...OPTIONS,
      workers: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    })
    await assert.rejects(running, /enough/)
  })

  test('what fails in a thread is told here', async () => {
    // The engine refuses it where the router is made: in the thread.
    const priorQuality = { 'lab/scribe': 7 }
    for (const workers of [1, 2]) {
      const running = replay({ ...OPTIONS, priorQuality, workers })
      await assert.rejects(running, { name: 'EngineError', code: 'engine_bad_arm', message: /7/ })
    }
  })

  test('a learner of one’s own stays in this thread', async () => {
    let made = 0
    await replay({
      ...OPTIONS,
      workers: 2,
      createRouter(options) {
        made++
        return createRouter(options)
      },
    })
    assert.equal(made, OPTIONS.seeds)
  })

  test('less than one is refused', async () => {
    await assert.rejects(replay({ ...OPTIONS, workers: 0 }), { code: 'eval_bad_option' })
  })
})
