/** Policies from the command line: by way of the running server where there is one, else in the store itself. */
import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { PolicyDesk } from '../server/index.ts'
import { askServer, type ServerFlags, serverOf } from './admin-client.ts'
import { configuredStore, withStore } from './configured-store.ts'

/** @throws what the desk throws, {ConfigError} and {StoreError} */
export async function withPolicyDesk<T>(
  flags: ServerFlags,
  run: (desk: PolicyDesk) => Promise<T>,
): Promise<T> {
  const url = await serverOf(flags)
  if (url !== undefined) return await run(remoteDesk(url, flags.adminKey))
  const { registry } = await configuredStore(flags)
  const { createIds, createPolicyDesk } = await import('../server/index.ts')
  const { DEFAULT_GATE_RULES } = await import('../eval/gate/index.ts')
  const clock = { nowMs: () => Date.now() }
  return await withStore(flags, (opened) =>
    run(
      createPolicyDesk({
        store: opened,
        clock,
        ids: createIds(clock, randomBytes),
        registry: () => registry,
        defaultRules: DEFAULT_GATE_RULES,
      }),
    ),
  )
}

/** Of an evaluation that is put on record. */
export const againstOption = [
  '--against <name>',
  'what the evaluation compares with: logged, configured, a policy’s hash',
  'logged',
] as const

/** Who does it, where nobody says. */
export function actorHere(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A container's user need not have a name.
    return hostname()
  }
}

function remoteDesk(url: string, key: string | undefined): PolicyDesk {
  const ask = async <Reply>(path: string, body?: unknown): Promise<Reply> =>
    (await (await askServer(url, key, path, body)).json()) as Reply
  return {
    upload: (body) => ask('policies', body),
    record: (hash, body) => ask(`policies/${hash}/evaluations`, body),
    promote: (body) => ask('promote', body),
    rollBack: (body) => ask('rollback', body),
    list: () => ask('policies'),
    show: (hash) => ask(`policies/${hash}`),
    rollouts: (model) =>
      ask(model === undefined ? 'rollouts' : `rollouts?model=${encodeURIComponent(model)}`),
  }
}
