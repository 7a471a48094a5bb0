/**
 * Do the intervals of an evaluation hold the truth? Logs of policies that learn as they go, on the bundled prompts whose every outcome
 * is known, with answers judged unevenly by arm:
 *
 *     node test/bench/evaluation-coverage.ts [seeds] [decisions]
 *
 * Prints the table of docs/evaluation.md; 100 seeds of 2,000 decisions by default, about two minutes. The truth is that of the very
 * prompts of the log, so that intervals, which count prompts as a sample, hold it more often than they say where prompts differ much.
 */
import type { PolicySpec } from '../../engine/index.ts'
import { createTarget, evaluateLog, parseTarget, type ValueName } from '../../eval/index.ts'
import { loggedWorld, readable } from '../helpers/logged-world.ts'

const [seedsText = '100', decisionsText = '2000'] = process.argv.slice(2)
const [seeds, decisions] = [Number(seedsText), Number(decisionsText)]
const LOGGING: readonly PolicySpec[] = [
  { name: 'thompson', exploration: 1 },
  { name: 'softmax', temperature: 0.1 },
]
const TARGETS = [
  'weighted:sim-anthropic/bramble-large=2,sim-openai/turnpike-large=2,sim-google/lantern-pro=1',
  'epsilon-greedy:0.2',
  'uniform',
]
const VALUES: readonly (readonly [ValueName, 'quality' | 'costUsd'])[] = [
  ['quality', 'quality'],
  ['cost_usd', 'costUsd'],
]

interface Tally {
  refused: number
  /** Errors in standard errors. */
  readonly quality: number[]
  readonly costUsd: number[]
  readonly difference: number[]
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const inside = (values: readonly number[]) => percent(mean(values.map((z) => (Math.abs(z) < 1.96 ? 1 : 0))))
const shown = (values: readonly number[]) =>
  values.length === 0 ? '–' : `${inside(values)}, ${mean(values).toFixed(2)}`

process.stdout.write(
  `${seeds} logs of ${decisions} decisions each: share of 95 % intervals that hold the truth, and mean error in standard errors\n\n`,
)
process.stdout.write(
  '| log of | judged | refused | quality | difference in quality | cost |\n|---|---|---|---|---|---|\n',
)
for (const policy of LOGGING) {
  const tallies = TARGETS.map((): Tally => ({ refused: 0, quality: [], costUsd: [], difference: [] }))
  for (let seed = 1; seed <= seeds; seed++) {
    const judgedShare = ({ arm }: { arm: string }) => (arm.includes('large') ? 0.9 : 0.4)
    const world = await loggedWorld({ decisions, seed, policy, floor: 0.1, judgedShare })
    const logged = world.truth((row) => row.probabilities)
    for (const [i, name] of TARGETS.entries()) {
      const spec = parseTarget(name)
      const target = createTarget(spec)
      const tally = tallies[i]!
      const question = { target: spec, objective: 'quality', estimators: [] } as const
      const { refused, values } = await evaluateLog(readable(world.rows), question)
      if (refused) {
        tally.refused += 1
        continue
      }
      for (const [value, good] of VALUES) {
        const estimate = values[value]!.target
        const truth = world.truth((row) => target.distribution(row), good)
        tally[good].push(errorOf(estimate, truth))
        if (good === 'quality') tally.difference.push(errorOf(values[value]!.difference, truth - logged))
      }
    }
  }
  for (const [i, { refused, quality, difference, costUsd }] of tallies.entries()) {
    const cells = [policy.name, TARGETS[i], percent(refused / seeds)]
    process.stdout.write(`| ${[...cells, shown(quality), shown(difference), shown(costUsd)].join(' | ')} |\n`)
  }
}

function errorOf({ value, lo, hi }: { value: number; lo: number; hi: number }, truth: number): number {
  return (value - truth) / ((hi - lo) / 3.92)
}
