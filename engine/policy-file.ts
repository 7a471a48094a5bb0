/**
 * The artifact of tuning: a policy with what it starts from, as JSON that a person can read and any process can check. Pure:
 * whoever has files reads and writes them.
 */
import { EngineError } from './errors.ts'
import { createFeatureSpace, type FeatureSpace } from './feature-space.ts'
import { packedLength } from './linalg.ts'
import { validatePolicy } from './policies/validate.ts'
import {
  bad,
  countAt,
  listAt,
  mapAt,
  numberAt,
  type PlainMap,
  textAt,
  vectorAt,
} from './policy-file-fields.ts'
import { type LabelProvenance, readLabels, readTuning, type TuningProvenance } from './policy-provenance.ts'
import type { HalfLives, PriorScale, PriorSums, Router } from './router-types.ts'
import { readTextProjection, type TextProjectionJson, writeTextProjection } from './text/projection.ts'
import {
  type ArmId,
  type FeatureSpaceId,
  HEADS,
  type HeadName,
  type HeadSums,
  type PolicySpec,
} from './types.ts'

export const POLICY_FILE_FORMAT = 'highwayman-policy'
const VERSION = 1
/** What fades faster is not seen by anybody, and its rates are no numbers that a store could reckon with. */
const HALF_LIFE_MS_MIN = 1
/** Beyond that, or below its inverse, a prior's precision overflows and probabilities are NaN. */
const SCALE_MAX = 1e9

/** Sums of one (arm, head) as in {@link HeadSums}; a file does not age, so they have no time. */
export interface PolicyFileSums {
  readonly arm: ArmId
  readonly head: Exclude<HeadName, 'success'>
  readonly n: number
  readonly A: readonly number[]
  readonly b: readonly number[]
  readonly c: number
}

export interface PolicyFile {
  readonly format: typeof POLICY_FILE_FORMAT
  readonly version: typeof VERSION
  readonly featureSpace: {
    readonly id: FeatureSpaceId
    readonly dimension: number
    readonly servingDimension: number
    readonly classes: readonly string[]
  }
  readonly policy: PolicySpec
  readonly hyperparameters: {
    /** Total probability spread evenly over the eligible arms, [0, 1). */
    readonly floor: number
    /** Observations that the sums of one head count as at most, above 0. */
    readonly effectiveSamples: number
    /** `Infinity` is null in JSON. */
    readonly halfLifeMs: Partial<HalfLives>
    /** See {@link PriorScale}. Absent: as estimated. */
    readonly priorScale?: PriorScale
  }
  readonly sums: readonly PolicyFileSums[]
  /** What it was made from and when. */
  readonly provenance: {
    readonly createdMs: number
    /** A data set's name, or where a log came from. */
    readonly source: string
    readonly split: string
    /** Rows that were learned from. */
    readonly rows: number
    /** How the rows got their classes; absent where those are their own categories. */
    readonly labels?: LabelProvenance
    /** Where the settings were searched for; absent where somebody chose them. */
    readonly tuning?: TuningProvenance
  }
  /** The text block of the feature space. */
  readonly text?: TextProjectionJson
}

export type PolicyFileDraft = Pick<PolicyFile, 'policy' | 'hyperparameters' | 'provenance' | 'text'>

/** What a router has observed, as a policy file. Success is left out: it tells the health of one day. */
export function createPolicyFile(
  router: Pick<Router, 'featureSpace' | 'sums'>,
  draft: PolicyFileDraft,
): PolicyFile {
  const { id, dimension, servingDimension, classes } = router.featureSpace
  const { policy, hyperparameters, provenance, text } = draft
  const sums = router
    .sums()
    .flatMap(({ arm, head, n, A, b, c }): PolicyFileSums[] =>
      head === 'success' ? [] : [{ arm, head, n, A: [...A], b: [...b], c }],
    )
    .sort((one, other) => order(one.arm, other.arm) || order(one.head, other.head))
  return {
    format: POLICY_FILE_FORMAT,
    version: VERSION,
    featureSpace: { id, dimension, servingDimension, classes },
    policy,
    hyperparameters,
    sums,
    provenance,
    ...(text !== undefined && { text }),
  }
}

/** One line for each (arm, head), so that two files can be compared. {@link readPolicyFile} reads it back exactly. */
export function writePolicyFile({ sums, ...rest }: PolicyFile): string {
  const head = JSON.stringify(rest, undefined, 2).replace(/\n\}$/, '')
  return `${head},\n  "sums": [\n${sums.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')}\n  ]\n}\n`
}

/** What {@link Router.startFrom} takes. @throws {EngineError} `engine_snapshot_mismatch` for another feature space */
export function priorSumsOf(file: PolicyFile, featureSpace: FeatureSpace): PriorSums {
  const { id, classes } = file.featureSpace
  if (id !== featureSpace.id) {
    throw new EngineError(
      'engine_snapshot_mismatch',
      `the policy file is of feature space ${id} with the classes ${classes.join(', ')}; here it is ${featureSpace.id} with ${featureSpace.classes.join(', ')}: give the same classes and text features, or make the file anew`,
    )
  }
  return {
    effectiveSamples: file.hyperparameters.effectiveSamples,
    sums: file.sums.map(
      ({ arm, head, n, A, b, c }): HeadSums => ({
        arm,
        head,
        featureSpace: id,
        asOfMs: 0,
        n,
        A: Float64Array.from(A),
        b: Float64Array.from(b),
        c,
      }),
    ),
  }
}

/**
 * Checks parsed JSON. Keys that are not known are ignored: a later version of the same format may have more.
 *
 * @throws {EngineError} `engine_bad_policy_file` with the path of the first thing that is wrong
 */
export function readPolicyFile(value: unknown): PolicyFile {
  const root = mapAt('', value)
  if (root['format'] !== POLICY_FILE_FORMAT) {
    throw bad('format', `must be "${POLICY_FILE_FORMAT}": this is no policy file`, root['format'])
  }
  if (root['version'] !== VERSION)
    throw bad('version', `must be ${VERSION}, which is all that this release reads`, root['version'])
  const text = readText(root['text'])
  const featureSpace = readFeatureSpace(mapAt('featureSpace', root['featureSpace']), text)
  const hyper = mapAt('hyperparameters', root['hyperparameters'])
  const provenance = mapAt('provenance', root['provenance'])
  return {
    format: POLICY_FILE_FORMAT,
    version: VERSION,
    featureSpace,
    policy: readPolicy(root['policy']),
    hyperparameters: {
      floor: numberAt('hyperparameters.floor', hyper['floor'], (x) => x >= 0 && x < 1, 'in [0, 1)'),
      effectiveSamples: numberAt(
        'hyperparameters.effectiveSamples',
        hyper['effectiveSamples'],
        (x) => x > 0,
        'above 0',
      ),
      halfLifeMs: readHalfLives(hyper['halfLifeMs']),
      ...readPriorScale(hyper['priorScale']),
    },
    sums: readSums(root['sums'], featureSpace),
    provenance: {
      createdMs: numberAt('provenance.createdMs', provenance['createdMs'], (x) => x >= 0, 'at least 0'),
      source: textAt('provenance.source', provenance['source']),
      split: textAt('provenance.split', provenance['split']),
      rows: countAt('provenance.rows', provenance['rows'], 0),
      ...readLabels(provenance['labels']),
      ...readTuning(provenance['tuning']),
    },
    ...(text !== undefined && { text }),
  }
}

function readText(value: unknown): TextProjectionJson | undefined {
  if (value === undefined) return undefined
  mapAt('text', value)
  try {
    return writeTextProjection(readTextProjection(value))
  } catch (error) {
    throw bad('text', error instanceof Error ? `is refused: ${error.message}` : 'is refused', value)
  }
}

function readFeatureSpace(map: PlainMap, text: TextProjectionJson | undefined): PolicyFile['featureSpace'] {
  const id = textAt('featureSpace.id', map['id'])
  const classes = listAt('featureSpace.classes', map['classes']).map((name, i) =>
    textAt(`featureSpace.classes[${i}]`, name),
  )
  const space = createFeatureSpace({ classes, ...(text !== undefined && { text: readTextProjection(text) }) })
  if (space.id !== id) {
    throw bad(
      'featureSpace.id',
      `must be ${space.id}, which is what this release makes of its classes and text`,
      id,
    )
  }
  const { dimension, servingDimension } = space
  for (const [field, expected] of Object.entries({ dimension, servingDimension })) {
    if (map[field] !== expected) throw bad(`featureSpace.${field}`, `must be ${expected}`, map[field])
  }
  return { id: space.id, dimension, servingDimension, classes }
}

function readPolicy(value: unknown): PolicySpec {
  const map = mapAt('policy', value)
  textAt('policy.name', map['name'])
  try {
    validatePolicy(map as unknown as PolicySpec)
  } catch (error) {
    throw bad('policy', error instanceof Error ? `is refused: ${error.message}` : 'is refused', value)
  }
  return map as unknown as PolicySpec
}

function readHalfLives(value: unknown): Partial<HalfLives> {
  const map = mapAt('hyperparameters.halfLifeMs', value)
  const lives: { -readonly [Head in HeadName]?: number } = {}
  for (const head of HEADS) {
    const life = map[head]
    if (life === undefined) continue
    // JSON has no other way to write it.
    if (life === null) lives[head] = Number.POSITIVE_INFINITY
    else
      lives[head] = numberAt(
        `hyperparameters.halfLifeMs.${head}`,
        life,
        (x) => x >= HALF_LIFE_MS_MIN,
        `of at least ${HALF_LIFE_MS_MIN}`,
      )
  }
  return lives
}

function readPriorScale(value: unknown): { readonly priorScale?: PriorScale } {
  if (value === undefined) return {}
  const path = 'hyperparameters.priorScale'
  const map = mapAt(path, value)
  const scale: { -readonly [Block in keyof PriorScale]: PriorScale[Block] } = {}
  for (const block of ['class', 'structure', 'text'] as const) {
    if (map[block] === undefined) continue
    scale[block] = numberAt(
      `${path}.${block}`,
      map[block],
      (x) => x >= 1 / SCALE_MAX && x <= SCALE_MAX,
      `in [${1 / SCALE_MAX}, ${SCALE_MAX}]`,
    )
  }
  return { priorScale: scale }
}

function readSums(value: unknown, space: PolicyFile['featureSpace']): readonly PolicyFileSums[] {
  const seen = new Map<string, number>()
  return listAt('sums', value).map((entry, i) => {
    const path = `sums[${i}]`
    const sums = readEntry(path, mapAt(path, entry), space)
    const key = `${sums.head} ${sums.arm}`
    const earlier = seen.get(key)
    if (earlier !== undefined) throw bad(path, `is of the same arm and head as sums[${earlier}]`, key)
    seen.set(key, i)
    return sums
  })
}

function readEntry(path: string, map: PlainMap, space: PolicyFile['featureSpace']): PolicyFileSums {
  const name = map['head']
  const head = HEADS.find((known) => known === name)
  if (head === undefined || head === 'success') {
    throw bad(`${path}.head`, 'must be quality, ttft, tpot or output_tokens', name)
  }
  const dimension = head === 'quality' ? space.dimension : space.servingDimension
  const n = numberAt(`${path}.n`, map['n'], (x) => x >= 0, 'at least 0')
  const A = vectorAt(`${path}.A`, map['A'], packedLength(dimension))
  const b = vectorAt(`${path}.b`, map['b'], dimension)
  for (let i = 0; i < dimension; i++) {
    const at = (i * (i + 3)) / 2
    if (A[at]! < 0) throw bad(`${path}.A[${at}]`, 'is a sum of squares and must be at least 0', A[at])
  }
  // x[0] is 1, so the first entry of Σw·xxᵀ is Σw.
  if (Math.abs(A[0]! - n) > 1e-6 * Math.max(n, 1)) throw bad(`${path}.A[0]`, `must be n, ${n}`, A[0])
  return {
    arm: textAt(`${path}.arm`, map['arm']) as ArmId,
    head,
    n,
    A,
    b,
    c: numberAt(`${path}.c`, map['c'], (x) => x >= 0, 'at least 0'),
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
