/** Policies, evaluations and rollouts as the rest of the program sees them: what the store keeps of who serves, and why. */
import type { FeatureSpaceId, PolicySpec } from '../../engine/index.ts'

/** A policy file that was handed in. */
export interface PolicyRow {
  /** Hex SHA-256 of the file's canonical text: `policyFileHash`. */
  readonly hash: string
  readonly atMs: number
  /** Who handed it in. */
  readonly actor: string
  readonly policy: PolicySpec
  readonly featureSpace: FeatureSpaceId
  /** What the file says it was made from. */
  readonly provenance: object
  /** The file, as `writePolicyFile` writes it. */
  readonly text: string
}
export type PolicyListing = Omit<PolicyRow, 'text'>

/** What an evaluation was compared with, where it is no policy file's hash. */
export const AGAINST = {
  /** Whatever made the log. */
  logged: 'logged',
  /** The policy that the configuration names. */
  configured: 'configured',
} as const

/** An evaluation on record. */
export interface EvaluationRow {
  /** UUIDv7. */
  readonly id: string
  readonly atMs: number
  /** Hash of the policy file that was judged. */
  readonly targetHash: string
  /** One of {@link AGAINST}, or a policy file's hash: whose values the paired differences are measured from. */
  readonly against: string
  readonly actor: string
  /** `EvaluationJson` of `eval`, whole. Read back it is unchecked JSON. */
  readonly evaluation: object
}

export const ROLLOUT_ACTIONS = ['canary', 'full', 'rollback'] as const
export type RolloutAction = (typeof ROLLOUT_ACTIONS)[number]
export const ROLLOUT_OUTCOMES = ['done', 'refused'] as const

/** A step of a policy on its way to all traffic of a virtual model, or back. Steps are only ever added. */
export interface RolloutRow {
  /** UUIDv7. */
  readonly id: string
  readonly atMs: number
  /** The virtual model's name. */
  readonly model: string
  readonly action: RolloutAction
  readonly outcome: (typeof ROLLOUT_OUTCOMES)[number]
  /** The policy that the step is about; of a rollback the one that is left in charge. Empty: the configuration's. */
  readonly policyHash: string
  /** What its share of the traffic became, or would have become: [0, 1]. */
  readonly share: number
  /** It was done although the gate refused. */
  readonly forced: boolean
  /** In the actor's words. */
  readonly reason: string
  /** Why the gate refused; of a forced step what was overridden. */
  readonly refusals: readonly { readonly code: string; readonly message: string }[]
  /** The evaluation that the gate looked at; empty: there was none. */
  readonly evaluationId: string
  readonly actor: string
}

/** The part of the store that knows them. Writes are few and small: each resolves when its row is durable. */
export interface PolicyStore {
  /** @returns false where the policy was there already: then nothing is written. @throws {StoreError} `store_unavailable` */
  savePolicy(row: PolicyRow): Promise<boolean>
  /** @throws {StoreError} `store_unavailable` */
  readPolicy(hash: string): Promise<PolicyRow | undefined>
  /** The newest first. @throws {StoreError} `store_unavailable` */
  listPolicies(): Promise<readonly PolicyListing[]>
  /** The same id twice counts once. @throws {StoreError} `store_unavailable` */
  recordEvaluation(row: EvaluationRow): Promise<void>
  /** Of one policy, or of all; the newest first. @throws {StoreError} `store_unavailable` */
  readEvaluations(query?: { readonly targetHash?: string }): Promise<readonly EvaluationRow[]>
  /** The same id twice counts once. @throws {StoreError} `store_unavailable` */
  appendRollout(row: RolloutRow): Promise<void>
  /** Of one virtual model, or of all; the oldest first. @throws {StoreError} `store_unavailable` */
  readRollouts(query?: { readonly model?: string }): Promise<readonly RolloutRow[]>
}
