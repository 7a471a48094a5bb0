/**
 * Which features to learn on, and how far to trust them: by how well they foretell what rows that were not learnt from had. That tells far
 * smaller differences than what the choices were worth, and needs no policy.
 */
import { replayDecisionId } from '../replay/requests.ts'
import { untrainedRouter } from '../replay/training.ts'
import { columnIndex, decide, preferencesFor, type World } from '../replay/world.ts'
import { type Candidate, FEATURE_MOVES, type SearchSpace } from './search-space.ts'

/** How many settings a descent looks at, at most. */
export function featureSettings(space: SearchSpace): number {
  const { effectiveSamples, textComponents, textScale, classScale, structureScale } = space
  const kinds = new Set(textComponents).size
  return (
    2 + effectiveSamples.length + (kinds + 1) * textScale.length + classScale.length + structureScale.length
  )
}

/** By row that was not learnt from, or undefined when the time is up. */
export type Errors = Float64Array | undefined

/**
 * A descent: of each step's settings the one of least error is kept. Then text has to earn its place: it goes where its errors are not smaller
 * by more than one standard error over the rows (the one-standard-error rule: Breiman et al. 1984), because what is won by
 * less was won by chance. Where the space has no setting without text it stays.
 */
export async function bestFeatures(
  start: Candidate,
  space: SearchSpace,
  errorsOf: (setting: Candidate) => Promise<Errors>,
): Promise<Candidate> {
  let best = { setting: start, errors: await errorsOf(start) }
  for (const neighbours of FEATURE_MOVES) {
    for (const setting of neighbours(space, best.setting)) {
      const errors = await errorsOf(setting)
      if (errors !== undefined && best.errors !== undefined && sum(errors) < sum(best.errors)) {
        best = { setting, errors }
      }
    }
  }
  if (best.setting.textComponents === 0 || !space.textComponents.includes(0)) return best.setting
  const plain = { ...best.setting, textComponents: 0 }
  const errors = await errorsOf(plain)
  // The time is up: what was not compared has earned nothing.
  if (errors === undefined || best.errors === undefined) return plain
  const { mean, standardError } = meanOf(errors.map((error, row) => error - best.errors![row]!))
  return mean > standardError ? best.setting : plain
}

/**
 * By row: squared errors of what was expected of the arms' quality beside one another, summed over arms. What all arms have in common of a
 * row, how hard it is, chooses nothing and is left out.
 *
 * @param world as `worldOf` makes it: the rows to judge on
 */
export async function squaredErrors(world: World): Promise<Float64Array> {
  const { table } = world
  const { router, atMs } = untrainedRouter(world)
  const candidates = world.arms.map(({ arm }) => arm.id)
  const columnOf = columnIndex(world)
  const preferences = preferencesFor(0)
  const errors = new Float64Array(table.rowCount)
  const misses = new Float64Array(candidates.length)
  for (let row = 0; row < table.rowCount; row++) {
    const asking = { id: replayDecisionId(atMs, row, 0), atMs, facts: world.facts[row]!, preferences }
    for (const { arm, quality } of decide(world, router, candidates, asking).estimates) {
      const column = columnOf.get(arm)!
      misses[column] = table.quality[row * misses.length + column]! - quality.mean
    }
    const common = sum(misses) / misses.length
    errors[row] = misses.reduce((total, miss) => total + (miss - common) ** 2, 0)
    await world.pace.tick()
  }
  return errors
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

function meanOf(values: Float64Array): { readonly mean: number; readonly standardError: number } {
  const mean = sum(values) / values.length
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0)
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) }
}
