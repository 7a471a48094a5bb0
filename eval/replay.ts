/** Replays a policy on a full-information dataset, beside the baselines, with paired intervals. */
import { type Baseline, type BaselineName, runBaselines } from './baselines/index.ts'
import { bootstrap } from './intervals/bootstrap.ts'
import type { Selection } from './outcome-table.ts'
import { assembleResult } from './replay/assemble.ts'
import { exchangeRate, selectRows, settingsOf } from './replay/prepare.ts'
import { type PolicyRuns, replayStatistics } from './replay/statistics.ts'
import { frozenTrial, onlineTrial } from './replay/trial.ts'
import type { ReplayOptions, ReplayResult } from './replay/types.ts'
import { pointOf } from './row-outcomes.ts'
import { exchangeRateGrid } from './sweep.ts'

/** Exchange rates at which the baselines' curves are computed; neighbours that choose alike count once. */
const BASELINE_CURVE_RATES = 96

/**
 * `online`: the rows come as a stream in an order drawn per seed; the policy sees the outcome of the arm it drew and
 * learns from it, cold or after a warm start, and with a budget it is paced to keep to it. Otherwise the policy learns from every arm's outcome on the training rows (or, where the split has
 * none, on the other folds) and is judged frozen, by the expectation under the probabilities it gives.
 *
 * The same options give the same result, to the last bit.
 *
 * @throws {EvaluationError} for a bad option, an unknown split, arm or policy
 * @throws {DatasetError} for a dataset that cannot be read
 * @throws the signal's reason when aborted
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  options.signal?.throwIfAborted()
  const settings = settingsOf(options)
  const selection = await selectRows(options, settings)
  const table = selection.evaluation
  const perUsd = exchangeRate(table, settings.costWeight)
  const trial = settings.online
    ? await onlineTrial(options, settings, selection, perUsd)
    : await frozenTrial(options, settings, selection, perUsd)
  const baselines = baselinesBeside(trial.runs, selection, perUsd, settings.baselines)
  const intervals = bootstrap({
    axes: [table.rowCount, settings.seeds.length],
    statistics: replayStatistics(table, trial.runs, baselines, perUsd, settings.budgetUsd),
    seed: settings.seeds[0]!,
    resamples: settings.resamples,
  })
  return assembleResult({
    dataset: options.dataset.name,
    settings,
    selection,
    perUsd,
    trial,
    baselines,
    intervals,
  })
}

function baselinesBeside(
  runs: PolicyRuns,
  selection: Selection,
  perUsd: number,
  wanted: readonly BaselineName[],
): Baseline[] {
  const costUsd = runs.main.reduce((sum, run) => sum + pointOf(run).costUsd, 0) / runs.main.length
  const perUsdGrid = exchangeRateGrid(selection.evaluation, BASELINE_CURVE_RATES)
  return runBaselines({ selection, perUsd, perUsdGrid }, costUsd, wanted)
}
