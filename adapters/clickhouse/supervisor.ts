/** Starts the embedded engine again when its process dies, with growing pauses, and not for ever. */
import type { Row } from './client.ts'
import { reasonOf } from './client.ts'
import type { EngineRequest } from './engine-process.ts'

export interface Engine {
  /** Resolves when its process has ended. */
  readonly exited: Promise<void>
  call(request: EngineRequest): Promise<readonly Row[]>
  close(): Promise<void>
}

export interface Supervisor {
  readonly restarts: number
  /** Called after each restart. */
  onRestart: () => void
  /** Fails at once while there is no engine. */
  call(request: EngineRequest): Promise<readonly Row[]>
  close(): Promise<void>
}

/** An engine that dies more often than this within {@link DEATHS_WITHIN_MS} is left alone: the cause has to be looked for. */
export const DEATHS_MAX = 8
const DEATHS_WITHIN_MS = 10 * 60_000
const PAUSE_FIRST_MS = 250
const PAUSE_MAX_MS = 30_000

/** @param start throws what keeps the engine from opening: the first time to the caller, later it counts as a death */
export async function supervise(start: (isFirst: boolean) => Promise<Engine>): Promise<Supervisor> {
  let deaths: number[] = []
  let problem = 'the embedded ClickHouse is closed'
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let engine: Engine | undefined

  const watch = (started: Engine): void => {
    engine = started
    void started.exited.then(() => {
      if (!closed) mourn('it has ended')
    })
  }
  const mourn = (reason: string): void => {
    engine = undefined
    const nowMs = performance.now()
    deaths = [...deaths.filter((at) => nowMs - at < DEATHS_WITHIN_MS), nowMs]
    if (deaths.length > DEATHS_MAX) {
      problem = `the embedded ClickHouse has ended ${deaths.length} times within ten minutes (${reason}) and is not started again; restart the gateway when the cause is mended`
      return
    }
    problem = `the embedded ClickHouse is being started again (${reason})`
    timer = setTimeout(restart, Math.min(PAUSE_FIRST_MS * 2 ** (deaths.length - 1), PAUSE_MAX_MS))
    timer.unref()
  }
  const restart = (): void => {
    restarting = start(false).then(
      (started) => {
        watch(started)
        supervisor.restarts += 1
        if (!closed) supervisor.onRestart()
      },
      (error: unknown) => mourn(reasonOf(error)),
    )
  }
  let restarting: Promise<void> | undefined

  const supervisor = {
    restarts: 0,
    onRestart: () => {},
    call: (request: EngineRequest) =>
      engine === undefined ? Promise.reject(new Error(problem)) : engine.call(request),
    close: async () => {
      closed = true
      clearTimeout(timer)
      await restarting
      clearTimeout(timer)
      await engine?.close()
      engine = undefined
    },
  }
  watch(await start(true))
  return supervisor
}
