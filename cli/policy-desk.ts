/** Policies from the command line: by way of the running server where there is one, else in the store itself. */
import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { DEFAULT_GATE_RULES } from '../eval/index.ts'
import {
  createIds,
  createPolicyDesk,
  DEFAULT_DATA_DIR,
  findConfigFile,
  loadRegistry,
  type PolicyDesk,
} from '../server/index.ts'
import { type StoreFlags, withStore } from './configured-store.ts'
import { storeOptions } from './log.ts'
import { findServer } from './running-server.ts'

export interface DeskFlags extends StoreFlags {
  readonly url?: string
  readonly adminKey?: string
}

export function deskOptions(command: Command): Command {
  return storeOptions(command)
    .option(
      '--url <address>',
      'of a running server (default: the one that has the embedded store open, else the store itself)',
    )
    .addOption(new Option('--admin-key <key>', 'for that server').env('HIGHWAYMAN_ADMIN_KEY'))
}

/** @throws what the desk throws, {ConfigError} and {StoreError} */
export async function withPolicyDesk<T>(flags: DeskFlags, run: (desk: PolicyDesk) => Promise<T>): Promise<T> {
  const registry = loadRegistry({
    path: flags.config ?? findConfigFile(process.cwd()),
    env: process.env,
    dataDir: flags.dataDir,
  })
  const store = registry?.store ?? { kind: 'embedded', dataDir: resolve(flags.dataDir ?? DEFAULT_DATA_DIR) }
  const url = flags.url ?? (store.kind === 'embedded' ? await findServer(store.dataDir) : undefined)
  if (url !== undefined) return await run(remoteDesk(url, flags.adminKey))
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
  const ask = async <Reply>(path: string, body?: unknown): Promise<Reply> => {
    const response = await fetch(new URL(`/admin/v1/${path}`, url), {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
    }).catch((cause: unknown) => {
      throw failure(
        'server_unreachable',
        `the server at ${url} does not answer; start it, or correct --url`,
        { cause },
      )
    })
    const reply: unknown = await response.json().catch(() => undefined)
    if (!response.ok) throw refusal(url, response.status, reply)
    return reply as Reply
  }
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

/** The server's own words, with its code. */
function refusal(url: string, status: number, reply: unknown): Error {
  const error =
    typeof reply === 'object' && reply !== null && 'error' in reply
      ? (reply.error as { code?: string; message?: string; reasons?: unknown })
      : {}
  const { code = 'server_unreachable', message = `the server at ${url} answered ${status}`, reasons } = error
  return failure(code, message, reasons === undefined ? {} : { reasons })
}

function failure(code: string, message: string, more: object): Error {
  return Object.assign(new Error(message), { code, ...more })
}
