/** A policy run on the evaluation rows, one way or the other. */
import { foldsOf } from '../folds.ts'
import type { Selection } from '../outcome-table.ts'
import { exchangeRateRange } from '../sweep.ts'
import { type FrozenPlan, frozenWork, runFrozen } from './frozen.ts'
import { runOnline } from './online.ts'
import { createWorld, type Settings } from './prepare.ts'
import type { PolicyRuns } from './statistics.ts'
import type { ReplayOptions } from './types.ts'
import { createPace, preferencesFor } from './world.ts'

/** What a policy did on the evaluation rows. */
export interface Trial {
  readonly runs: PolicyRuns
  /** Column of the drawn arm per row, one array per seed. */
  readonly drawn: readonly Int32Array[]
}

export async function onlineTrial(
  options: ReplayOptions,
  settings: Settings,
  selection: Selection,
  perUsd: number,
): Promise<Trial> {
  const total = selection.evaluation.rowCount * settings.seeds.length
  const world = createWorld(
    options,
    settings,
    selection,
    createPace(total, options.onProgress, options.signal),
  )
  const preferences = preferencesFor(perUsd)
  const runs = []
  for (const seed of settings.seeds) runs.push(await runOnline(world, seed, () => preferences))
  const realised = runs.map((run) => run.realised)
  return {
    runs: {
      main: realised,
      realised,
      expected: runs.map((run) => run.expected),
      step: runs.map((run) => run.step),
    },
    drawn: runs.map((run) => run.drawn),
  }
}

export async function frozenTrial(
  options: ReplayOptions,
  settings: Settings,
  selection: Selection,
  perUsd: number,
): Promise<Trial> {
  const plan: FrozenPlan = {
    folds: foldsOf(selection),
    perUsd,
    seeds: settings.seeds,
    sweep: { range: exchangeRateRange(selection.evaluation), points: settings.curvePoints },
  }
  const pace = createPace(frozenWork(selection.evaluation, plan), options.onProgress, options.signal)
  const run = await runFrozen(createWorld(options, settings, selection, pace), plan)
  const expected = [run.expected]
  return { runs: { main: expected, expected, realised: run.realised, curve: run.curve }, drawn: run.drawn }
}
