/** Evaluations and the store: what serves now, to compare with, and the record that the gate reads. */
import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { AGAINST, type Store } from '../adapters/index.ts'
import { type Arm, readPolicyFile } from '../engine/index.ts'
import type { Evaluation, EvaluationQuestion, TargetSpec } from '../eval/index.ts'
import { CONFIGURED, createIds, rolloutsOf } from '../server/index.ts'
import { type StoreFlags, withStore } from './configured-store.ts'

/** What serves a virtual model: a promoted file, else whatever wrote the log. @throws {StoreError} */
export async function liveTarget(
  store: Store,
  model: string,
  arms: readonly Arm[] | undefined,
): Promise<TargetSpec> {
  const live = rolloutsOf(await store.readRollouts({ model })).get(model)?.live ?? CONFIGURED
  if (live === CONFIGURED) return { kind: 'logged' }
  const policy = await store.readPolicy(live)
  if (policy === undefined) return { kind: 'logged' }
  return {
    kind: 'file',
    file: readPolicyFile(JSON.parse(policy.text)),
    name: `live ${live.slice(0, 12)}`,
    hash: live,
    ...(arms !== undefined && { arms }),
  }
}

/** Puts the evaluation on record for the gate; its id. @throws {StoreError} */
export async function recordEvaluation(
  flags: StoreFlags,
  evaluation: Evaluation,
  against: EvaluationQuestion['against'],
): Promise<string> {
  const { targetHash } = evaluation
  if (targetHash === undefined) {
    throw Object.assign(new Error('--record is for the gate, which promotes policy files: judge one'), {
      code: 'config_bad_flags',
    })
  }
  const clock = { nowMs: () => Date.now() }
  const id = createIds(clock, randomBytes).next()
  await withStore(flags, (store) =>
    store.recordEvaluation({
      id,
      atMs: clock.nowMs(),
      targetHash,
      against: against?.kind === 'file' ? against.hash : AGAINST.logged,
      actor: `cli:${userInfo().username}`,
      evaluation,
    }),
  )
  return id
}
