/** Evaluations and who serves: what serves now, to compare with, and the record that the gate reads. */
import { type Arm, readPolicyFile } from '../engine/index.ts'
import type { Evaluation, TargetSpec } from '../eval/index.ts'
import type { ServerFlags } from './admin-client.ts'
import { actorHere, withPolicyDesk } from './policy-desk.ts'

const HASH_CHARS = 12

/** What serves a virtual model: a promoted file, else whatever wrote the log. @throws what the desk throws */
export async function liveTarget(
  flags: ServerFlags,
  model: string,
  arms: readonly Arm[] | undefined,
): Promise<TargetSpec> {
  return await withPolicyDesk(flags, async (desk) => {
    const { serving } = await desk.rollouts(model)
    const live = serving.find((entry) => entry.model === model)?.live ?? null
    if (live === null) return { kind: 'logged' }
    const { file } = await desk.show(live)
    return {
      kind: 'file',
      file: readPolicyFile(file),
      name: `live ${live.slice(0, HASH_CHARS)}`,
      hash: live,
      ...(arms !== undefined && { arms }),
    }
  })
}

/** Puts the policy file and its evaluation on record for the gate; the record's id. @throws what the desk throws */
export async function recordEvaluation(
  flags: ServerFlags,
  evaluation: Evaluation,
  target: Extract<TargetSpec, { kind: 'file' }>,
  against: TargetSpec,
): Promise<string> {
  const { AGAINST } = await import('../adapters/index.ts')
  const actor = actorHere()
  return await withPolicyDesk(flags, async (desk) => {
    const { hash } = await desk.upload({ policy: target.file, actor })
    const comparedWith = against.kind === 'file' ? against.hash : AGAINST.logged
    const { id } = await desk.record(hash, { evaluation, against: comparedWith, actor })
    return id
  })
}
