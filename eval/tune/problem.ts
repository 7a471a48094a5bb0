/** Rows to fit on and rows to judge on, and settings put to work between the two. */
import type { Dataset } from '../../datasets/index.ts'
import {
  createFeatureSpace,
  createRouter,
  type FeatureSpace,
  type RequestFacts,
  type TextProjection,
} from '../../engine/index.ts'
import { fitProjectionUpTo } from '../feature-space.ts'
import { inFolds } from '../folds.ts'
import { fitOutcomeProjection } from '../outcome-projection.ts'
import { type OutcomeTable, subsetTable } from '../outcome-table.ts'
import { replayArms } from '../replay/arms.ts'
import { describeRows } from '../replay/requests.ts'
import type { Pace, World } from '../replay/world.ts'
import { fullInformationSums } from './full-sums.ts'
import type { Candidate, TextComponents } from './search-space.ts'

/** The clock's step from one request of an online trial to the next, ms. */
export const STEP_MS = 1_000

/** One division of the rows; texts are described once for each kind of text block. */
export interface Part {
  readonly fitted: OutcomeTable
  readonly judged: OutcomeTable
  readonly described: Map<TextComponents, Described>
}

/** The rows of a part as a feature space sees them. */
export interface Described {
  readonly space: FeatureSpace
  readonly projection: TextProjection | undefined
  readonly fitted: readonly RequestFacts[]
  readonly judged: readonly RequestFacts[]
}

export function partOf(fitted: OutcomeTable, judged: OutcomeTable): Part {
  return { fitted, judged, described: new Map() }
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

/** A text block is fitted on the rows to fit on. */
export function describePart(part: Part, components: TextComponents): Described {
  const known = part.described.get(components)
  if (known !== undefined) return known
  const { fitted, judged } = part
  const byOutcome = components === 'outcomes' ? fitOutcomeProjection(fitted) : undefined
  const projection =
    components === 'outcomes' ? byOutcome?.projection : fitProjectionUpTo(fitted.prompts, components)
  const space = createFeatureSpace({ classes: fitted.classes, ...(projection && { text: projection }) })
  const facts = describeRows(fitted, byOutcome === undefined ? space.text : undefined)
  const made: Described = {
    space,
    projection,
    fitted:
      byOutcome === undefined
        ? facts
        : facts.map((each, row) => ({ ...each, text: byOutcome.crossFitted[row]! })),
    judged: describeRows(judged, space.text),
  }
  part.described.set(components, made)
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
  const { space, fitted, judged } = describePart(part, candidate.textComponents)
  const arms = replayArms([part.judged, part.fitted], dataset.models, {})
  const sums = fullInformationSums(part.fitted, fitted, arms, space)
  return {
    table: part.judged,
    facts: judged,
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
