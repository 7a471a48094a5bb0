/** Rows to fit on and rows to judge on, and settings put to work between the two. */
import type { Dataset } from '../../datasets/index.ts'
import {
  createFeatureSpace,
  createRouter,
  type FeatureSpace,
  type TextProjection,
} from '../../engine/index.ts'
import { fitProjectionUpTo } from '../feature-space.ts'
import { inFolds } from '../folds.ts'
import { type OutcomeTable, subsetTable } from '../outcome-table.ts'
import { replayArms } from '../replay/arms.ts'
import { describeRows } from '../replay/requests.ts'
import type { Pace, World } from '../replay/world.ts'
import { fullInformationSums } from './full-sums.ts'
import type { Candidate } from './search-space.ts'

/** The clock's step from one request of an online trial to the next, ms. */
export const STEP_MS = 1_000

/** One division of the rows; texts are described once for each number of components. */
export interface Part {
  readonly fitted: OutcomeTable
  readonly judged: OutcomeTable
  readonly texts: Map<
    number,
    { readonly space: FeatureSpace; readonly projection: TextProjection | undefined }
  >
}

export function partOf(fitted: OutcomeTable, judged: OutcomeTable): Part {
  return { fitted, judged, texts: new Map() }
}

/** `count` parts of a table, each judged on its own fold; equal prompts share a fold. */
export function partsOf(table: OutcomeTable, count: number, salt: string): readonly Part[] {
  const folds = inFolds(table.prompts, count, salt)
  const rows = (keep: (fold: number) => boolean) =>
    subsetTable(
      table,
      [...folds.keys()].filter((row) => keep(folds[row]!)),
    )
  return Array.from({ length: count }, (_, fold) =>
    partOf(
      rows((other) => other !== fold),
      rows((other) => other === fold),
    ),
  )
}

/** The projection is fitted on the prompts to fit on, and sees no outcome. */
export function textOf(
  part: Part,
  components: number,
): { readonly space: FeatureSpace; readonly projection: TextProjection | undefined } {
  const known = part.texts.get(components)
  if (known !== undefined) return known
  const projection = fitProjectionUpTo(part.fitted.prompts, components)
  const { classes } = part.fitted
  const made = { space: createFeatureSpace({ classes, ...(projection && { text: projection }) }), projection }
  part.texts.set(components, made)
  return made
}

/** A world in which the router starts from what the settings make of the rows to fit on. */
export function worldOf(
  dataset: Dataset,
  part: Part,
  candidate: Candidate,
  pace: Pace,
  stepMs: number,
): World {
  const { space } = textOf(part, candidate.textComponents)
  const arms = replayArms([part.judged, part.fitted], dataset.models, {})
  const sums = fullInformationSums(part.fitted, describeRows(part.fitted, space.text), arms, space)
  return {
    table: part.judged,
    facts: describeRows(part.judged, space.text),
    arms,
    featureSpace: space,
    prior: { sums, effectiveSamples: candidate.effectiveSamples },
    priorScale: candidate.priorScale,
    policy: candidate.policy,
    explore: true,
    floor: candidate.floor,
    salt: 'tune',
    stepMs,
    halfLifeMs: { quality: candidate.qualityHalfLifeMs },
    createRouter,
    pace,
  }
}
