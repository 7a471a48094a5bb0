/**
 * What an evaluation foretells is what happens: requests are served and logged under policy A, policy B is judged on that log, and
 * then B serves the same requests.
 *
 * B is one that does not learn from the traffic it is judged on: a static rule, or beliefs frozen in a policy file, which served
 * without feedback stay what they are. What a learning policy would have been worth depends on what it would have learned, and
 * that is not a property of any one decision of the log. A may learn as it likes: each of its decisions has its own propensity.
 *
 * `HIGHWAYMAN_LOOP_REQUESTS` sets how many; docs/evaluation.md has the numbers of a longer run.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { readLogFile, writeLogFile } from '../../datasets/index.ts'
import type { PolicyFile } from '../../engine/index.ts'
import {
  type Evaluation,
  type EvaluationQuestion,
  evaluateLog,
  fitPolicyFile,
  type ReadableLog,
  type TargetSpec,
} from '../../eval/index.ts'
import { readable } from '../helpers/logged-world.ts'
import { type Served, type Serving, TrafficGround } from '../helpers/served-traffic.ts'

const REQUESTS = Number(process.env['HIGHWAYMAN_LOOP_REQUESTS'] ?? 2_000)
/** A folder for the logs, so that a long run can be done in several. */
const KEPT = process.env['HIGHWAYMAN_LOOP_LOGS']
/**
 * Draws are the gateway's own and differ from run to run. The interval counts the prompts as a sample, though B gets the same ones,
 * and not the luck of B's own draws: what B is worth is off by 0.8 of the standard errors that this level has 3.9 of (root mean
 * square of ten), and by more than all of them in at most one pair of 3,000. That happens to one pair twice in none of 10⁶ runs.
 */
const LEVEL = 0.9999
const TRIES = 2
const FLOOR = 0.1
/** What an honest log may be refused for. */
const BY_LUCK: ReadonlySet<string> = new Set(['mean_weight', 'calibration'])
const LOGS_MAX = 3

describe('closing the loop', () => {
  let ground: TrafficGround
  let file: PolicyFile
  const logs = new Map<string, Promise<ReadableLog>>()

  before(async () => {
    ground = await TrafficGround.open()
    file = await fitPolicyFile({
      dataset: ground.dataset,
      policy: 'thompson:0.5',
      split: 'train',
      createdMs: 0,
    })
  })
  after(() => ground?.[Symbol.asyncDispose]())

  const LOGGING = {
    'epsilon-greedy:0.5': { policy: { name: 'epsilon-greedy', epsilon: 0.5 } },
    'thompson:1': { policy: { name: 'thompson', exploration: 1 } },
  } satisfies Record<string, Pick<Serving, 'policy'>>

  const large = {
    'sim-anthropic/bramble-large': 2,
    'sim-openai/turnpike-large': 2,
    'sim-google/lantern-pro': 1,
  }
  const weights = {
    'sim-openai/turnpike-mini': 3,
    'sim-google/lantern-pro': 1,
    'sim-openai/turnpike-large': 1,
  }

  /**
   * Of honest logs like these 3 to 6 in 1,000 are refused because too few of the rare draws came (`mean_weight`), and 4 to 5 in
   * 10,000 because an arm was drawn more or less often than its propensities say (`calibration`). The repair is the one that the
   * refusal names, more decisions. Where propensities are not those of the draws every log is refused; of honest ones three in a
   * row are in one run of 700,000.
   */
  async function judge(name: keyof typeof LOGGING, question: EvaluationQuestion): Promise<Evaluation> {
    for (let log = 1; ; log++) {
      const evaluation = await evaluateLog(await logOf(name), question)
      const codes = evaluation.reasons.map(({ code }) => code)
      const isLuck = codes.length > 0 && codes.every((code) => BY_LUCK.has(code))
      if (!isLuck || log === LOGS_MAX) return evaluation
      logs.delete(name)
    }
  }

  /** Served once, for all who are judged on it; or read from where an earlier run has kept it. */
  function logOf(name: keyof typeof LOGGING): Promise<ReadableLog> {
    const known = logs.get(name) ?? serveLog(name)
    logs.set(name, known)
    return known
  }

  async function serveLog(name: keyof typeof LOGGING): Promise<ReadableLog> {
    const kept = KEPT && join(KEPT, `${name.replace(':', '-')}-${REQUESTS}.jsonl.gz`)
    if (kept !== undefined && existsSync(kept)) return () => readLogFile(kept)
    const { log } = await ground.serve({ ...LOGGING[name], floor: FLOOR, feedback: true }, REQUESTS)
    if (kept !== undefined) await writeLogFile(readable(log)(), kept)
    return readable(log)
  }

  interface Pair {
    readonly from: keyof typeof LOGGING
    readonly name: string
    readonly target: () => TargetSpec
    readonly serving: () => Omit<Serving, 'feedback'>
  }
  const PAIRS: readonly Pair[] = [
    {
      from: 'epsilon-greedy:0.5',
      name: 'the frozen policy file',
      target: () => ({ kind: 'file', file, name: 'policy.json', hash: '', arms: armsOf(ground) }),
      serving: () => ({ policy: file.policy, floor: file.hyperparameters.floor, file }),
    },
    {
      from: 'epsilon-greedy:0.5',
      name: 'a static mixture of the small arms',
      target: () => ({ kind: 'policy', policy: { name: 'weighted', weights }, floor: 0.02 }),
      serving: () => ({ policy: { name: 'weighted', weights }, floor: 0.02 }),
    },
    {
      from: 'epsilon-greedy:0.5',
      name: 'a static mixture of the large arms',
      target: () => ({ kind: 'policy', policy: { name: 'weighted', weights: large }, floor: 0.02 }),
      serving: () => ({ policy: { name: 'weighted', weights: large }, floor: 0.02 }),
    },
    {
      from: 'thompson:1',
      name: 'a static mixture of the large arms',
      target: () => ({ kind: 'policy', policy: { name: 'weighted', weights: large }, floor: 0.02 }),
      serving: () => ({ policy: { name: 'weighted', weights: large }, floor: 0.02 }),
    },
    {
      from: 'thompson:1',
      name: 'the frozen policy file',
      target: () => ({ kind: 'file', file, name: 'policy.json', hash: '', arms: armsOf(ground) }),
      serving: () => ({ policy: file.policy, floor: file.hyperparameters.floor, file }),
    },
  ]

  for (const { from, name, target, serving } of PAIRS) {
    const check = async (t: TestContext) => {
      const question = { target: target(), objective: 'quality' } as const
      const evaluation = await judge(from, { ...question, level: LEVEL })
      assert.equal(evaluation.logged.n, REQUESTS)
      assert.deepEqual(evaluation.reasons, [])
      const { recomputed, propensities } = evaluation.diagnostics
      assert.equal(recomputed.redrawnOtherwise, 0)
      assert.ok(propensities!.arms.every(({ calibrationZ }) => Math.abs(calibrationZ) < 4))
      const live = await ground.serve({ ...serving(), feedback: false }, REQUESTS)
      const usual = await evaluateLog(await logOf(from), question)
      t.diagnostic(rowOf(name, from, usual, live))
      const { lo, hi } = evaluation.values.quality!.target
      const { mean } = live.quality
      return lo <= mean && mean <= hi ? '' : `quality ${mean} outside [${lo}, ${hi}]`
    }
    test(`${name}, judged on the log of ${from}, is worth what was foretold`, async (t) => {
      let missed = await check(t)
      for (let tries = 1; missed !== '' && tries < TRIES; tries++) {
        logs.delete(from)
        missed = await check(t)
      }
      assert.equal(missed, '')
    })
  }

  function rowOf(
    name: string,
    from: string,
    { values, diagnostics }: Awaited<ReturnType<typeof evaluateLog>>,
    live: Served,
  ): string {
    const quality = values.quality!
    const cost = values.cost_usd!.target
    const shown = ({ value, lo, hi }: typeof cost, factor = 1) =>
      `${(factor * value).toFixed(4)} [${(factor * lo).toFixed(4)}, ${(factor * hi).toFixed(4)}]`
    return `| ${from} | ${name} | ${diagnostics.ess.toFixed(0)} | ${shown(quality.logged)} | ${shown(quality.target)} | ${live.quality.mean.toFixed(4)} | ${shown(cost, 1_000)} | ${(1_000 * live.costUsd.mean).toFixed(4)} |`
  }
})

function armsOf({ registry }: TrafficGround) {
  return [...registry.arms.values()].map(({ arm }) => arm)
}
