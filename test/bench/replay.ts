/** Replay: requests that are decided, and learnt from, per second of CPU time, at 8 arms and d = 64 with dense text. */
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import { createRouter } from '../../engine/index.ts'
import { type OutcomeTable, selectOutcomes } from '../../eval/index.ts'
import { runFrozen } from '../../eval/replay/frozen.ts'
import { runOnline } from '../../eval/replay/online.ts'
import { createWorld, settingsOf } from '../../eval/replay/prepare.ts'
import { plainStage } from '../../eval/replay/stages.ts'
import { preferencesFor, type World } from '../../eval/replay/world.ts'
import { seeded } from '../helpers/engine.ts'
import type { BenchResult } from './report.ts'

const ARMS = 8
/** 1 for the intercept, 11 for structure, 40 for text, and so many classes: 64. */
const CLASSES = 12
const TEXT_COMPONENTS = 40
const ROWS = 8_000
const ROUNDS = 5

export async function benchReplay(): Promise<BenchResult[]> {
  const { world, table } = await worldOfBench()
  const stage = plainStage(ARMS)
  const plan = { preferences: preferencesFor(0), budgetUsd: undefined, stages: [stage], start: undefined }
  const online = await perCpuSecond(table.rowCount, (round) => runOnline(world, round, plan))
  const rows = Int32Array.from({ length: table.rowCount }, (_, row) => row)
  // Trained once outside of what is measured: a file's sums would do the same.
  const folds = [{ training: table, rows }]
  const frozenPlan = (points: number) => ({
    folds,
    perUsd: 0,
    seeds: [1],
    sweep: { range: { low: 1, high: 1e4 }, points },
  })
  const few = await cpuSeconds(() => runFrozen(world, frozenPlan(2)))
  const many = await cpuSeconds(() => runFrozen(world, frozenPlan(6)))
  const shape = `${ARMS} arms, d = ${world.featureSpace.dimension}, ${ROWS} rows, thompson, exact propensities`
  return [
    {
      name: 'replay, online',
      value: online,
      unit: 'decisions/s',
      method: `each decided and its outcome learnt (quality and length); ${shape}; best of ${ROUNDS} rounds, by CPU time`,
    },
    {
      name: 'replay, frozen',
      value: (4 * ROWS) / (many - few),
      unit: 'decisions/s',
      method: `expectation of a trained policy; ${shape}; six passes less two`,
    },
  ]
}

async function worldOfBench(): Promise<{ world: World; table: OutcomeTable }> {
  const prompts: PromptRow[] = []
  for await (const row of (await openDataset('crossroads')).rows()) prompts.push(row)
  const uniform = seeded(1)
  const rows = Array.from({ length: ROWS }, (_, i): PromptRow => {
    const outcomes = Array.from({ length: ARMS }, (_, k) => {
      const quality = uniform() < 0.4 + 0.05 * k ? 1 : 0
      return [
        `bench/arm-${k}`,
        {
          quality,
          costUsd: 1e-4 * 2 ** k * (0.5 + uniform()),
          inputTokens: undefined,
          outputTokens: undefined,
        },
      ] as const
    })
    const { prompt } = prompts[i % prompts.length]!
    return {
      promptId: `p${i}`,
      split: 'all',
      task: 'bench',
      category: `class ${i % CLASSES}`,
      prompt,
      outcomes: new Map(outcomes),
    }
  })
  const selection = selectOutcomes(rows, { split: 'all' })
  const dataset = { name: 'bench', folder: '', models: new Map(), async *rows() {} }
  const settings = settingsOf({ dataset, policy: 'thompson', online: true, textComponents: TEXT_COMPONENTS })
  const pace = { tick: () => undefined }
  const world = createWorld({ models: dataset.models, createRouter }, settings, selection, pace)
  return { world, table: selection.evaluation }
}

async function perCpuSecond(units: number, run: (round: number) => Promise<unknown>): Promise<number> {
  let best = 0
  for (let round = 1; round <= ROUNDS; round++)
    best = Math.max(best, units / (await cpuSeconds(() => run(round))))
  return best
}

async function cpuSeconds(run: () => Promise<unknown>): Promise<number> {
  const { user, system } = process.cpuUsage()
  await run()
  const after = process.cpuUsage()
  return (after.user - user + after.system - system) / 1e6
}
