/** A policy file made of the configuration itself: another policy over the same features, for the gate to judge. */
import { basename } from 'node:path'
import {
  createFeatureSpace,
  DEFAULT_EFFECTIVE_SAMPLES,
  POLICY_FILE_FORMAT,
  type PolicyFile,
  type PolicySpec,
  type TextProjection,
  writeTextProjection,
} from '../../engine/index.ts'
import { textOf } from '../feature-space.ts'
import type { Registry } from '../registry.ts'

export interface DraftOptions {
  readonly policy: PolicySpec
  /** [0, 1). */
  readonly floor: number
  readonly createdMs: number
}

/**
 * It starts from what the configuration's own policy file says of the arms, where there is one, and learns in the same feature
 * space: what was ever observed there is believed from the first request on.
 */
export function draftPolicyFile(registry: Registry, { policy, floor, createdMs }: DraftOptions): PolicyFile {
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
