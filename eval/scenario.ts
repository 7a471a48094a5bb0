/** Replays a policy through a scenario: prices, qualities and arms that change on the way. */
import type { Scenario } from '../datasets/index.ts'
import { createCrew } from './replay/crew.ts'
import type { OnlineRun } from './replay/online.ts'
import { createWorld, exchangeRate, selectRows, settingsOf } from './replay/prepare.ts'
import { type ScenarioResult, scenarioFigures } from './replay/scenario-figures.ts'
import { plainStage, type Stage, stagesOf } from './replay/stages.ts'
import { warmStart } from './replay/training.ts'
import type { ReplayOptions } from './replay/types.ts'
import { createPace, preferencesFor } from './replay/world.ts'

export interface ScenarioOptions extends ReplayOptions {
  readonly scenario: Scenario
}

/**
 * Beside the run through the scenario two others see the same rows in the same order: the *control*, in which nothing ever
 * happens, and for each stretch after an event the *informed* run, in whose world it has always been so (warm start
 * included). What the policy lacks to the informed one is what the change costs it, and where that ends it has recovered.
 *
 * The same options give the same result, to the last bit.
 *
 * @throws {EvaluationError} as `replay` does, and `eval_bad_scenario` or `eval_unknown_arm` naming the event
 * @throws {DatasetError} for a dataset that cannot be read
 * @throws the signal's reason when aborted
 */
export async function replayScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const settings = settingsOf(options)
  const selection = await selectRows(options, settings)
  const { evaluation, training } = selection
  const stages = stagesOf(options.scenario, evaluation)
  const warm = settings.warmStart === undefined ? undefined : training
  const rowsPerRun = evaluation.rowCount * settings.seeds.length + (warm?.rowCount ?? 0)
  const pace = createPace((stages.length + 1) * rowsPerRun, options.onProgress, options.signal)
  const world = createWorld({ ...options, models: options.dataset.models }, settings, selection, pace)
  const perUsd = exchangeRate(evaluation, settings.costWeight)

  const crew = createCrew({ options, settings, selection, world })
  const runThrough = async (passed: readonly Stage[]): Promise<readonly OnlineRun[]> => {
    const plan = {
      preferences: preferencesFor(perUsd),
      budgetUsd: settings.budgetUsd,
      stages: passed,
      mixes: stages,
      start: warm && (await warmStart(world, warm, passed[0]!)),
    }
    return crew.run(plan)
  }
  const [first, ...later] = stages
  const runAll = async () => {
    const live = await runThrough(stages)
    const informed: (readonly OnlineRun[])[] = []
    for (const stage of later) informed.push(await runThrough([{ ...stage, fromStep: 0 }]))
    const control = await runThrough([first ?? plainStage(evaluation.arms.length)])
    return { live, informed, control }
  }
  const { live, informed, control } = await runAll().finally(() => crew.close())
  return scenarioFigures({
    dataset: options.dataset.name,
    scenario: options.scenario,
    settings,
    selection,
    perUsd,
    stages,
    live,
    control,
    // Before the first event the control has always known how things are.
    informed: [control, ...informed],
  })
}
