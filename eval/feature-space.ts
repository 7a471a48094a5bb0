/** The feature space of an evaluation, with a text block that was fitted on the rows to learn from. */
import {
  createFeatureSpace,
  EngineError,
  type FeatureSpace,
  fitTextProjection,
  type TextProjection,
} from '../engine/index.ts'
import { EvaluationError } from './errors.ts'
import type { Selection } from './outcome-table.ts'

const PROJECTION_SEED = 1
const LEAST_COMPONENTS = 2

/** The prompts a projection is fitted on: those to learn from; where there are none, those to be judged on. */
export function textsToFitOn({ training, evaluation }: Selection): readonly string[] {
  return (training ?? evaluation).prompts
}

/**
 * The selection's classes and, for `textComponents` above 0, a text block. A projection sees prompts and never an outcome,
 * so fitting it on the rows of an online replay gives nothing of the answers away; it stands for one that was fitted on
 * earlier traffic of the same kind.
 *
 * @throws {EvaluationError} `eval_bad_option` for more components than the engine allows or than the texts have directions
 */
export function featureSpaceFor(selection: Selection, textComponents: number): FeatureSpace {
  const { classes } = selection.evaluation
  const text = projectionFor(selection, textComponents)
  return createFeatureSpace({ classes, ...(text !== undefined && { text }) })
}

/** The same selection always gives the same one. */
export function projectionFor(selection: Selection, textComponents: number): TextProjection | undefined {
  if (textComponents === 0) return undefined
  try {
    return fitTextProjection(textsToFitOn(selection), { components: textComponents, seed: PROJECTION_SEED })
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EvaluationError('eval_bad_option', `text components: ${error.message}`)
  }
}

/**
 * With as many components as the texts have directions for, up to `components`: halved until it can be had, undefined below
 * {@link LEAST_COMPONENTS}.
 */
export function fitProjectionUpTo(texts: readonly string[], components: number): TextProjection | undefined {
  for (let wanted = components; wanted >= LEAST_COMPONENTS; wanted = Math.floor(wanted / 2)) {
    try {
      return fitTextProjection(texts, { components: wanted, seed: PROJECTION_SEED })
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'engine_bad_config')) throw error
    }
  }
  return undefined
}

/** For a report: ` and a text projection fitted on 6604 prompts`, or nothing. */
export function describeProjection(selection: Selection, textComponents: number): string {
  if (textComponents === 0) return ''
  return `; ${textComponents} text components fitted on ${textsToFitOn(selection).length} prompts`
}
