/** Learns from a split with full information and writes down what a router can start from. */
import {
  createPolicyFile,
  DEFAULT_EFFECTIVE_SAMPLES,
  type PolicyFile,
  writeTextProjection,
} from '../engine/index.ts'
import { checkMapNames, labelProvenance } from './class-labels.ts'
import { projectionFor } from './feature-space.ts'
import { createWorld, readRows, selectRows, settingsOf } from './replay/prepare.ts'
import { trainRouter } from './replay/training.ts'
import type { ReplayOptions } from './replay/types.ts'
import { createPace } from './replay/world.ts'

type Shared =
  | 'dataset'
  | 'policy'
  | 'arms'
  | 'classBy'
  | 'classMap'
  | 'classes'
  | 'textComponents'
  | 'floor'
  | 'halfLifeMs'
  | 'priorQuality'
  | 'onProgress'
  | 'signal'

export interface PolicyFitOptions extends Pick<ReplayOptions, Shared> {
  /** @default 'train' */
  readonly split?: string
  /** Observations that the file's sums count as at most, above 0. @default the engine's DEFAULT_EFFECTIVE_SAMPLES */
  readonly effectiveSamples?: number
  /** When the file is made, Unix ms. */
  readonly createdMs: number
}

/**
 * Every row counts the same. The classes are `classes`, those of a gateway for instance, or else those of the whole data set, so
 * that the file fits a replay of any split.
 *
 * @throws {EvaluationError} for a bad option, an unknown split, arm or policy
 * @throws {DatasetError} for a dataset that cannot be read
 * @throws the signal's reason when aborted
 */
export async function fitPolicyFile(options: PolicyFitOptions): Promise<PolicyFile> {
  const { createdMs, effectiveSamples = DEFAULT_EFFECTIVE_SAMPLES, split = 'train', ...rest } = options
  const every = { ...rest, split: 'all', stepMs: 0 }
  checkMapNames(await readRows(every), options)
  const { classes } = (await selectRows(every, settingsOf(every))).evaluation
  const replayed = { ...every, split, classes }
  const settings = settingsOf(replayed)
  const chosen = await selectRows(replayed, settings)
  const table = chosen.evaluation
  const selection = { ...chosen, training: undefined }
  const pace = createPace(table.rowCount, options.onProgress, options.signal)
  const { router } = await trainRouter(
    createWorld({ ...replayed, models: options.dataset.models }, settings, selection, pace),
    table,
  )
  const text = projectionFor(selection, settings.textComponents)
  return createPolicyFile(router, {
    policy: settings.policy,
    hyperparameters: { floor: settings.floor, effectiveSamples, halfLifeMs: options.halfLifeMs ?? {} },
    provenance: {
      createdMs,
      source: options.dataset.name,
      split,
      rows: table.rowCount,
      ...labelProvenance(options, chosen.labels),
    },
    ...(text !== undefined && { text: writeTextProjection(text) }),
  })
}
