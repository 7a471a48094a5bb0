/**
 * Who takes part in an experiment, and in which variant: a pure function of the experiment's definition, the unit and the time.
 * Replicas agree without talking, and a restart changes nobody's variant.
 */
import { bucketOf, type HashVersion } from './bucket-hash.ts'
import { type Allocation, chooseVariant, covered, widthOf } from './ranges.ts'

/** What is assigned, once and for good: everything of a tenant, of one of its users, of a conversation; or each request anew. */
export const UNITS = ['tenant', 'user', 'session', 'request'] as const
export type Unit = (typeof UNITS)[number]

/** A slice of a layer. Experiments on slices that do not overlap never share a unit. */
export interface Namespace {
  readonly name: string
  readonly from: number
  readonly to: number
  /** @default 2 */
  readonly hashVersion?: HashVersion
}

/** Whom the experiment is about; what is not given is not asked. */
export interface Targeting {
  readonly models?: readonly string[] | undefined
  readonly classes?: readonly string[] | undefined
  readonly tenants?: readonly string[] | undefined
}

/** From `afterMs` after the start on, this share of the units takes part. */
export interface RampStep {
  readonly afterMs: number
  readonly coverage: number
}

/** What assignment reads of an experiment. */
export interface AssignmentPlan {
  readonly seed: string
  readonly hashVersion: HashVersion
  /** Counts up when everyone is to be assigned anew; an earlier run's assignments then say nothing about this one's. */
  readonly bucketVersion: number
  /** A variant that was stopped has no ranges: its units take part no more. */
  readonly allocation: Allocation
  /** Where there is no ramp. */
  readonly coverage: number
  /** Ascending by time; before its first step nobody takes part. */
  readonly ramp: readonly RampStep[]
  readonly namespace?: Namespace | undefined
  /** Units that no experiment of this name touches, so that what all experiments together bring can be measured. */
  readonly holdout?: { readonly name: string; readonly share: number } | undefined
  readonly targeting: Targeting
}

/** A request as targeting sees it. */
export interface Subject {
  readonly model: string
  readonly requestClass: string
  readonly tenant: string
}

export type Assignment =
  | { readonly kind: 'in'; readonly variant: number; readonly bucket: number; readonly probability: number }
  | { readonly kind: 'out'; readonly why: 'targeting' | 'no_unit' | 'holdout' | 'namespace' | 'coverage' }

export function isTargeted({ models, classes, tenants }: Targeting, subject: Subject): boolean {
  return (
    (models === undefined || models.includes(subject.model)) &&
    (classes === undefined || classes.includes(subject.requestClass)) &&
    (tenants === undefined || tenants.includes(subject.tenant))
  )
}

/** Whether the unit's bucket of the layer is in the slice. */
export function inNamespace(value: string, { name, from, to, hashVersion = 2 }: Namespace): boolean {
  const bucket = bucketOf(`__${name}`, value, hashVersion)
  return bucket >= from && bucket < to
}

export function coverageAt(
  { coverage, ramp }: Pick<AssignmentPlan, 'coverage' | 'ramp'>,
  runningMs: number,
): number {
  if (ramp.length === 0) return coverage
  return ramp.findLast(({ afterMs }) => afterMs <= runningMs)?.coverage ?? 0
}

/**
 * @param value the unit's id, empty where the request has none
 * @param runningMs time since the experiment's start
 * @returns with `probability` the share that the variant has among the units that take part
 */
export function assign(plan: AssignmentPlan, subject: Subject, value: string, runningMs: number): Assignment {
  if (!isTargeted(plan.targeting, subject)) return { kind: 'out', why: 'targeting' }
  if (value === '') return { kind: 'out', why: 'no_unit' }
  const { holdout, namespace, allocation } = plan
  if (holdout !== undefined && bucketOf(`holdout:${holdout.name}`, value) < holdout.share) {
    return { kind: 'out', why: 'holdout' }
  }
  if (namespace !== undefined && !inNamespace(value, namespace)) return { kind: 'out', why: 'namespace' }
  const bucket = bucketOf(seedOf(plan), value, plan.hashVersion)
  const coverage = coverageAt(plan, runningMs)
  for (const [variant, ranges] of allocation.entries()) {
    if (chooseVariant(bucket, coverage < 1 ? covered(ranges, coverage) : ranges) !== -1) {
      return { kind: 'in', variant, bucket, probability: widthOf(ranges) / widthOf(allocation.flat()) }
    }
  }
  return { kind: 'out', why: 'coverage' }
}

/** The first run hashes with the seed as it is, as GrowthBook does; later ones with their number behind it. */
function seedOf({ seed, bucketVersion }: AssignmentPlan): string {
  return bucketVersion === 0 ? seed : `${seed}__${bucketVersion}`
}
