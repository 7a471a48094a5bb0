/** A policy file made of the configuration itself: another policy over the same features, for the gate to judge. */
import { basename } from 'node:path'
import {
  armsOfPolicy,
  createFeatureSpace,
  DEFAULT_EFFECTIVE_SAMPLES,
  POLICY_FILE_FORMAT,
  type PolicyFile,
  type PolicySpec,
  type TextProjection,
  writeTextProjection,
} from '../../engine/index.ts'
import { nearest } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import { textOf } from '../feature-space.ts'
import type { Registry } from '../registry.ts'

const NAMES_LISTED_MAX = 20

export interface DraftOptions {
  readonly policy: PolicySpec
  /** [0, 1). */
  readonly floor: number
  readonly createdMs: number
}

/**
 * It starts from what the configuration's own policy file says of the arms, where there is one, and learns in the same feature
 * space: what was ever observed there is believed from the first request on.
 *
 * @throws {ServerError} 422 `invalid_policy` for a policy that names an arm which the configuration does not have
 */
export function draftPolicyFile(registry: Registry, { policy, floor, createdMs }: DraftOptions): PolicyFile {
  refuseStrangers(registry, policy)
  const text: TextProjection | undefined = textOf(registry)
  const { id, dimension, servingDimension, classes } = createFeatureSpace({
    classes: registry.classes,
    ...(text !== undefined && { text }),
  })
  const start = registry.coldStart?.policyFile
  // What its settings were found to be worth says nothing of these.
  const from = start?.provenance ?? { createdMs, source: basename(registry.source), split: 'none', rows: 0 }
  const { tuning: _, ...provenance } = from
  return {
    format: POLICY_FILE_FORMAT,
    version: 1,
    featureSpace: { id, dimension, servingDimension, classes },
    policy,
    hyperparameters: {
      effectiveSamples: DEFAULT_EFFECTIVE_SAMPLES,
      halfLifeMs: {},
      ...start?.hyperparameters,
      floor,
    },
    sums: start?.sums ?? [],
    provenance,
    ...(text !== undefined && { text: writeTextProjection(text) }),
  }
}

/** Such a file could never serve, and would be found out at its promotion only. */
function refuseStrangers({ arms }: Registry, policy: PolicySpec): void {
  const known = [...arms.keys()]
  const stranger = armsOfPolicy(policy).find((arm) => !known.some((id) => id === arm))
  if (stranger === undefined) return
  const closest = nearest(stranger, known)
  const order = closest === undefined ? known : [closest, ...known.filter((id) => id !== closest)]
  const more = known.length > NAMES_LISTED_MAX ? `, and ${known.length - NAMES_LISTED_MAX} more` : ''
  throw serverError(
    'invalid_policy',
    `policy ${policy.name} names "${stranger}", which is no arm here; the arms are ${order.slice(0, NAMES_LISTED_MAX).join(', ')}${more}.`,
    { param: 'policy', shouldRetry: false },
  )
}
