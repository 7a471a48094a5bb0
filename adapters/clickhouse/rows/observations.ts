/** Table `observations`: examples that share their `x` become one row, hence one outer product in the view. */
import type { HeadName, Observation } from '../../../engine/index.ts'
import type { RowBinary } from '../row-binary.ts'

export const OBSERVATION_COLUMNS = [
  'ts',
  'decision_id',
  'feature_space',
  'arm',
  'heads',
  'x',
  'y',
  'weight',
  'replica',
] as const

/**
 * Heads that share a row when they are observed together. The others stand alone: the view gives them another bucket width,
 * and `success` has an `x` of its own.
 */
const GROUPED: ReadonlySet<HeadName> = new Set(['ttft', 'tpot', 'output_tokens'])

/** Runs of consecutive observations that differ in head and `y` only. Order is kept. */
export function groupObservations(observations: readonly Observation[]): Observation[][] {
  const groups: Observation[][] = []
  for (const observation of observations) {
    const group = groups.at(-1)
    const [first] = group ?? []
    if (group !== undefined && first !== undefined && belongs(observation, first, group))
      group.push(observation)
    else groups.push([observation])
  }
  return groups
}

/**
 * Writes {@link OBSERVATION_COLUMNS} of a group.
 * @throws {TypeError | RangeError} for an id that is no UUID, a time that is none, or a number that is not finite: one NaN
 *   in the sums would stay there for good
 */
export function writeObservationGroup(group: readonly Observation[], replica: string, to: RowBinary): void {
  const [first] = group
  if (first === undefined) throw new RangeError('a group of no observations has no row')
  if (!allFinite(first.x) || !Number.isFinite(first.weight) || group.some(({ y }) => !Number.isFinite(y))) {
    throw new RangeError(`an observation of ${first.arm} (${first.head}) is not finite`)
  }
  to.timeMs(first.atMs)
  to.uuid(first.decisionId)
  to.text(first.featureSpace)
  to.text(first.arm)
  to.length(group.length)
  for (const { head } of group) to.text(head)
  to.vector(first.x)
  to.length(group.length)
  for (const { y } of group) to.float(y)
  to.float(first.weight)
  to.text(replica)
}

function belongs(observation: Observation, first: Observation, group: readonly Observation[]): boolean {
  return (
    GROUPED.has(observation.head) &&
    GROUPED.has(first.head) &&
    observation.decisionId === first.decisionId &&
    observation.arm === first.arm &&
    observation.weight === first.weight &&
    observation.atMs === first.atMs &&
    observation.featureSpace === first.featureSpace &&
    sameVector(observation.x, first.x) &&
    !group.some((member) => member.head === observation.head)
  )
}

// Loops, not `every`: this runs several times for each request, and a callback for each number costs more than the rest.
function sameVector(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false
  return true
}

function allFinite(vector: Float64Array): boolean {
  for (let i = 0; i < vector.length; i += 1) if (!Number.isFinite(vector[i])) return false
  return true
}
