/** A policy run on the evaluation rows, one way or the other. */
import { EvaluationError } from '../errors.ts'
import { canBeForetold, foldsOf } from '../folds.ts'
import type { Selection } from '../outcome-table.ts'
import { exchangeRateRange } from '../sweep.ts'
import { createCrew } from './crew.ts'
import { type FrozenPlan, frozenWork, runFrozen } from './frozen.ts'
import type { OnlinePlan } from './online.ts'
import { createWorld, type Settings } from './prepare.ts'
import { plainStage } from './stages.ts'
import type { PolicyRuns } from './statistics.ts'
import { warmStart } from './training.ts'
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
  const { evaluation, training } = selection
  const warm = settings.warmStart === undefined ? undefined : training
  const total = evaluation.rowCount * settings.seeds.length + (warm?.rowCount ?? 0)
  const pace = createPace(total, options.onProgress, options.signal)
  const world = createWorld({ ...options, models: options.dataset.models }, settings, selection, pace)
  const stage = plainStage(evaluation.arms.length)
  const plan: OnlinePlan = {
    preferences: preferencesFor(perUsd),
    budgetUsd: settings.budgetUsd,
    stages: [stage],
    start: warm && (await warmStart(world, warm, stage)),
  }
  const crew = createCrew({ options, settings, selection, world })
  const runs = await crew.run(plan).finally(() => crew.close())
  const realised = runs.map((run) => run.realised)
  return {
    runs: {
      main: realised,
      realised,
      expected: runs.map((run) => run.expected),
      step: runs.map((run) => run.step),
      foretold: runs.map((run) => run.foretold),
      ...(settings.budgetUsd === undefined ? {} : { perUsd: runs.map((run) => run.perUsd) }),
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
  if (options.policyFile === undefined && !canBeForetold(selection)) {
    throw new EvaluationError(
      'eval_no_rows',
      `the ${selection.evaluation.rowCount} rows of split '${selection.split}' share one prompt, and no other split is there to learn from: give rows to train on, a policy file to judge, or replay online`,
    )
  }
  const plan: FrozenPlan = {
    folds: foldsOf(selection),
    perUsd,
    seeds: settings.seeds,
    sweep: { range: exchangeRateRange(selection.evaluation), points: settings.curvePoints },
  }
  const pace = createPace(frozenWork(selection.evaluation, plan), options.onProgress, options.signal)
  const run = await runFrozen(
    createWorld({ ...options, models: options.dataset.models }, settings, selection, pace),
    plan,
  )
  const expected = [run.expected]
  const { realised, curve, predictions, drawn } = run
  return { runs: { main: expected, expected, realised, curve, predictions }, drawn }
}
