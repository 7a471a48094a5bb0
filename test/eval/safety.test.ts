/** What docs/wishes.md promises of warm starts and of conservative routing, on fewer orders than it was measured on. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset } from '../../datasets/index.ts'
import { type ArmId, readPolicyFile, writePolicyFile } from '../../engine/index.ts'
import { fitPolicyFile, replay } from '../../eval/index.ts'
import { holding, leastLead, leastWindowRatio, mean, onlineStreams } from '../helpers/online-stream.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

const SEEDS = 5
const WINDOW = 1_000
const mmluPro = () => openDataset(sharedPath('data', 'mmlu-pro'))

suite('learning safely on mmlu-pro', needsShared('data/mmlu-pro'), () => {
  test('warm from the train split, never below 0.95 of the best single arm in any window of 1,000', async () => {
    const dataset = await mmluPro()
    const fitted = await fitPolicyFile({ dataset, policy: 'thompson', createdMs: 0 })
    const policyFile = readPolicyFile(JSON.parse(writePolicyFile(fitted)))
    const options = { policy: 'thompson', split: 'test', seeds: SEEDS }
    const warm = await onlineStreams(dataset, { ...options, policyFile })
    const cold = await onlineStreams(dataset, options)
    const qualities = warm[0]!.of.map(mean)
    const best = qualities.indexOf(Math.max(...qualities))
    for (const [seed, stream] of warm.entries()) {
      const constant = new Float64Array(stream.own.length).fill(qualities[best]!)
      for (const [what, theirs] of [
        ['in the same window', stream.of[best]!],
        ['over all', constant],
      ] as const) {
        const least = leastWindowRatio(stream.own, theirs, WINDOW)
        assert.ok(least >= 0.95, `order ${seed}: ${least} of what the best arm has ${what}`)
      }
      const early = (own: Float64Array) => mean(own.subarray(0, WINDOW))
      assert.ok(early(stream.own) > early(cold[seed]!.own), 'a cold start is worse')
    }
  })

  test('held above 0.9 of an ordinary arm at every step, and above its quality in the end', async () => {
    const dataset = await mmluPro()
    const baseline = 'gemini-1.5-flash-002' as ArmId
    const options = { policy: 'thompson', split: 'test', seeds: SEEDS }
    const held = await onlineStreams(dataset, { ...options, createRouter: holding({ baseline, alpha: 0.1 }) })
    const free = await onlineStreams(dataset, options)
    const column = held[0]!.arms.indexOf(baseline)
    const leads = (streams: typeof held) => streams.map(({ own, of }) => leastLead(own, of[column]!, 0.9))
    assert.ok(Math.min(...leads(held)) >= -1e-9, `${leads(held)}`)
    assert.ok(Math.max(...leads(free)) < -1, `without it, every order falls below: ${leads(free)}`)
    assert.ok(mean(held.map(({ own }) => mean(own))) > mean(held[0]!.of[column]!))
  })
})

suite('a policy file', () => {
  test('that is judged frozen is judged as it is', async () => {
    const dataset = await openDataset('crossroads')
    const policyFile = await fitPolicyFile({ dataset, policy: 'thompson', createdMs: 0 })
    const few = { seeds: 1, resamples: 2, curvePoints: 2, baselines: [] }
    const options = { dataset, policy: 'thompson', explore: false, ...few }
    const [trained, filed] = [await replay(options), await replay({ ...options, policyFile })]
    // The same rows, which the file counts as at most 2,000 for each arm: here all of them.
    assert.ok(Math.abs(trained.policy.reward.mean - filed.policy.reward.mean) < 0.01)
    const none = { ...policyFile, sums: [] }
    const blank = await replay({ ...options, policyFile: none })
    assert.ok(blank.policy.reward.mean < filed.policy.reward.mean - 0.02, 'it is not trained besides')
  })

  test('of classes that rows do not have is refused', async () => {
    const dataset = await openDataset('crossroads')
    const byTask = await fitPolicyFile({ dataset, policy: 'thompson', createdMs: 0, classBy: 'task' })
    const { labels: _, ...provenance } = byTask.provenance
    const policyFile = { ...byTask, provenance }
    await assert.rejects(replay({ dataset, policy: 'thompson', policyFile, seeds: 1 }), {
      code: 'eval_unknown_class',
      message: /'math' \(100 rows\).*none of the classes: map each to one of 'chat\/advice'.*--class-map/,
    })
  })

  test('brings its floor and half-lives where none are given', async () => {
    const dataset = await openDataset('crossroads')
    const options = { dataset, policy: 'fixed:nobody' }
    await assert.rejects(fitPolicyFile({ ...options, createdMs: 0 }), { code: 'eval_unknown_arm' })
    const policyFile = await fitPolicyFile({ dataset, policy: 'thompson', createdMs: 0, floor: 0.6 })
    const { armShares } = (
      await replay({ dataset, policy: 'thompson', policyFile, online: true, seeds: 1, baselines: [] })
    ).policy
    assert.ok(Math.min(...Object.values(armShares)) > 0.05, JSON.stringify(armShares))
  })
})
