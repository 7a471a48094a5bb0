/**
 * ClickHouse without a server: chDB in a process of its own, forked by this one and ended with it. Of its own, because a
 * crash of the engine would else be a crash of the gateway, and because the gateway serves more requests beside it than
 * around it (decision record 0006).
 */
import { fork } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClickHouse, EngineEnded, type Row, reasonOf } from './client.ts'
import { claimDataDir, type DataDir, inUse, processExists } from './data-dir.ts'
import type { EngineFailure, EngineReply, EngineRequest } from './engine-process.ts'
import { StoreError } from './store.ts'
import { type Engine, supervise } from './supervisor.ts'

export interface EmbeddedClickHouse extends ClickHouse {
  /** The last process that had this directory open did not close it. */
  readonly recovering: boolean
  /** Times that the engine's process has died and was started again. */
  readonly restarts: number
  /** Called when it was; before that every request fails. */
  onRestart: () => void
}

/** How long a directory is waited for whose owner has died: its engine notices at once, and finishes what it writes. */
const PATIENCE_MS = 10_000
const SCRIPT = new URL('./engine-process.ts', import.meta.url)

/**
 * Opens, or makes, the database in a directory: about half a second.
 * @throws {StoreError} `store_engine_missing`, `store_bad_location`, `store_unavailable`
 */
export async function openEmbedded(directory: string): Promise<EmbeddedClickHouse> {
  const dataDir = claimDataDir(directory)
  const orphaned = dataDir.ownerPid !== undefined && !processExists(dataDir.ownerPid)
  const supervisor = await supervise((isFirst) =>
    startEngine(dataDir, isFirst && !orphaned ? 0 : PATIENCE_MS),
  ).catch((error: unknown) => {
    dataDir.release(false)
    throw openingError(dataDir, error)
  })
  const { call } = supervisor
  dataDir.own()
  let nextFile = 0
  return {
    kind: 'embedded',
    location: dataDir.path,
    recovering: dataDir.ownerPid !== undefined,
    get restarts() {
      return supervisor.restarts
    },
    get onRestart() {
      return supervisor.onRestart
    },
    set onRestart(told) {
      supervisor.onRestart = told
    },
    insert: async ({ table, columns, body, token }) => {
      // Through a file, not the channel: copied once instead of four times, and read by the engine in its own format.
      const file = `${nextFile++}.rows`
      try {
        await writeFile(join(dataDir.inboxPath, file), body)
        await call({ kind: 'insert', table, columns, file, token })
      } finally {
        await rm(join(dataDir.inboxPath, file), { force: true })
      }
    },
    query: async (sql, params) => [...(await call({ kind: 'query', sql, params }))],
    command: async (sql) => {
      await call({ kind: 'command', sql })
    },
    close: async (clean) => {
      await supervisor.close()
      dataDir.release(clean)
    },
  }
}

/** Why the engine did not open. */
class OpeningFailure extends Error {
  override readonly name = 'OpeningFailure'
  readonly kind: 'missing' | 'locked'
  constructor(kind: 'missing' | 'locked', message: string) {
    super(message)
    this.kind = kind
  }
}

interface Waiting {
  readonly resolve: (rows: readonly Row[]) => void
  readonly reject: (error: Error) => void
}

async function startEngine({ enginePath, inboxPath }: DataDir, patienceMs: number): Promise<Engine> {
  const child = fork(scriptPath(), [enginePath, String(patienceMs)], {
    cwd: inboxPath,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const waiting = new Map<number, Waiting>()
  // Only a request that waits keeps this process alive: by the child too, or nobody would be left to hear that it died of it.
  const holdOn = (): void => {
    child.ref()
    child.channel?.ref()
  }
  const letGo = (): void => {
    child.unref()
    child.channel?.unref()
  }
  let lastId = 0
  let ended: Error | undefined
  const opened = Promise.withResolvers<void>()
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = new EngineEnded(`the embedded ClickHouse has ended (${signal ?? `exit code ${code}`})`)
      opened.reject(ended)
      for (const { reject } of waiting.values()) reject(ended)
      waiting.clear()
      resolve()
    })
  })
  child.once('error', opened.reject)
  child.on('message', (reply: EngineReply) => {
    if (reply.kind === 'open') opened.resolve()
    else if ('id' in reply) {
      settle(waiting, reply)
      if (waiting.size === 0) letGo()
    } else opened.reject(new OpeningFailure(reply.kind, reply.failure.message))
  })
  const call = (request: EngineRequest): Promise<readonly Row[]> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      holdOn()
      child.send({ id, request }, (error) => {
        if (error !== null && waiting.delete(id)) reject(error)
      })
    })
  await opened.promise
  letGo()
  return {
    exited,
    call,
    close: async () => {
      if (ended !== undefined) return
      await call({ kind: 'close' }).catch(() => {})
      child.ref()
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

function settle(waiting: Map<number, Waiting>, reply: Extract<EngineReply, { id: number }>): void {
  const request = waiting.get(reply.id)
  waiting.delete(reply.id)
  if (reply.kind === 'done') request?.resolve(reply.rows)
  else request?.reject(errorOf(reply.failure))
}

/** ClickHouse's number is where its own client has it: by it a refusal is told from a failure. */
function errorOf({ message, code }: EngineFailure): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code: String(code) })
}

/** The compiled package has it as JavaScript. */
function scriptPath(): URL {
  return import.meta.url.endsWith('.ts') ? SCRIPT : new URL(SCRIPT.href.replace(/\.ts$/, '.js'))
}

function openingError({ path, ownerPid }: DataDir, error: unknown): StoreError {
  const reason = reasonOf(error)
  if (error instanceof OpeningFailure && error.kind === 'missing') {
    const repair = 'run `npm install chdb`, or set store.url to a ClickHouse server'
    const message = `the embedded ClickHouse (npm package chdb) cannot be loaded: ${reason}; ${repair}`
    return new StoreError('store_engine_missing', message, { cause: error })
  }
  if (ownerPid !== undefined && ownerPid !== process.pid && processExists(ownerPid))
    return inUse(path, ownerPid, error)
  const repair =
    'stop any other process that has it open, see that it is writable, or name another directory (--data-dir, store.dataDir)'
  const message = `the embedded ClickHouse could not open ${path} (${reason}); ${repair}`
  return new StoreError('store_unavailable', message, { cause: error })
}
