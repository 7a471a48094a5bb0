/** The admin API of a running server, for commands that find its store taken. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { type Command, Option } from 'commander'
import type { LoggedDecision } from '../engine/index.ts'
import { configuredStore, type StoreFlags } from './configured-store.ts'
import { findServer } from './running-server.ts'

export interface ServerFlags extends StoreFlags {
  readonly url?: string
  readonly adminKey?: string
}

export function serverOptions(command: Command): Command {
  return command
    .option(
      '--url <address>',
      'of a running server (default: the one that has the embedded store open, else the store itself)',
    )
    .addOption(new Option('--admin-key <key>', 'for that server').env('HIGHWAYMAN_ADMIN_KEY'))
}

/** The server to ask: the one that was named, or the one that has the embedded store open; undefined: the store itself. */
export async function serverOf({ url, ...flags }: ServerFlags): Promise<string | undefined> {
  if (url !== undefined) return url
  const { store } = await configuredStore(flags)
  return store.kind === 'embedded' ? await findServer(store.dataDir) : undefined
}

/** @param path below `/admin/v1/` @throws {Error} with the server's own words and code, or `server_unreachable` */
export async function askServer(
  url: string,
  key: string | undefined,
  path: string,
  body?: unknown,
): Promise<Response> {
  const response = await fetch(new URL(`/admin/v1/${path}`, url), {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
  }).catch((cause: unknown) => {
    throw failure('server_unreachable', `the server at ${url} does not answer; start it, or correct --url`, {
      cause,
    })
  })
  if (response.ok) return response
  throw refusal(url, response.status, await response.json().catch(() => undefined))
}

/** The log of a running server, as its store has it. @throws as {@link askServer}; and for a line that is none */
export async function* readServerLog(
  url: string,
  key: string | undefined,
  {
    fromMs,
    toMs,
    tenant,
  }: { readonly fromMs: number; readonly toMs: number; readonly tenant?: string | undefined },
): AsyncGenerator<LoggedDecision> {
  const query = new URLSearchParams({
    from: String(fromMs),
    to: String(toMs),
    ...(tenant !== undefined && { tenant }),
  })
  const { readLogRecord } = await import('../datasets/index.ts')
  const { body } = await askServer(url, key, `log?${query}`)
  if (body === null) return
  let line = 0
  for await (const text of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
    line += 1
    yield readLogRecord(JSON.parse(text), `${url}:${line}`)
  }
}

function refusal(url: string, status: number, reply: unknown): Error {
  const error =
    typeof reply === 'object' && reply !== null && 'error' in reply
      ? (reply.error as { code?: string; message?: string; reasons?: unknown })
      : {}
  const { code = 'server_unreachable', message = `the server at ${url} answered ${status}`, reasons } = error
  // The server speaks of headers.
  const here = status === 401 ? ' For a command: --admin-key, or HIGHWAYMAN_ADMIN_KEY.' : ''
  return failure(code, message + here, reasons === undefined ? {} : { reasons })
}

function failure(code: string, message: string, more: object): Error {
  return Object.assign(new Error(message), { code, ...more })
}
