/** Texts against JSON Schemas, with bounds on size, time and how many wait. */
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { JsonObject } from '../../adapters/index.ts'
import type { CheckRequest, WorkerMessage } from './json-worker.ts'
import type { JsonVerdict } from './signals.ts'

const WORKER = join(import.meta.dirname, `json-worker${extname(import.meta.filename)}`)
const SCHEMA_CHARS_MAX = 64 * 1024
const TEXT_CHARS_MAX = 256 * 1024
const WAITING_MAX = 256
const CHECK_MS_MAX = 500
/** A thread that is not there by then does not come. */
const START_MS_MAX = 5_000
const HEAP_MB_MAX = 64

interface Waiting {
  readonly request: CheckRequest
  readonly settle: (verdict: JsonVerdict) => void
}

/** One check at a time in one thread, which is started when it is first needed and ended when a check takes too long. */
export class JsonChecker {
  readonly #waiting: Waiting[] = []
  readonly #checkMsMax: number
  readonly #startMsMax: number
  #current: Waiting | undefined
  #worker: Worker | undefined
  /** It listens: before, a check would be given the time that the thread takes to start. */
  #isReady = false
  #timer: NodeJS.Timeout | undefined
  #lastId = 0
  #closed = false

  constructor(checkMsMax: number = CHECK_MS_MAX, startMsMax: number = START_MS_MAX) {
    this.#checkMsMax = checkMsMax
    this.#startMsMax = startMsMax
  }

  /** Never rejects. `unknown` beyond the bounds, and for a schema that is none. */
  check(schema: JsonObject | undefined, text: string): Promise<JsonVerdict> {
    if (text.length > TEXT_CHARS_MAX || this.#waiting.length >= WAITING_MAX || this.#closed) {
      return Promise.resolve('unknown')
    }
    const schemaText = schema === undefined ? undefined : JSON.stringify(schema)
    if (schemaText !== undefined && schemaText.length > SCHEMA_CHARS_MAX) return Promise.resolve('unknown')
    return new Promise((settle) => {
      this.#waiting.push({ request: { id: ++this.#lastId, schema: schemaText, text }, settle })
      this.#next()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { settle } of this.#waiting.splice(0)) settle('unknown')
    await this.#giveUp()
  }

  #next(): void {
    if (this.#current !== undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#current = next
    this.#worker ??= this.#start()
    if (this.#isReady) this.#ask(this.#worker, next)
    else this.#giveUpAfter(this.#startMsMax)
  }

  #ask(worker: Worker, { request }: Waiting): void {
    this.#giveUpAfter(this.#checkMsMax)
    worker.postMessage(request)
  }

  #giveUpAfter(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#giveUp(), ms)
  }

  #settle(verdict: JsonVerdict): void {
    clearTimeout(this.#timer)
    const current = this.#current
    this.#current = undefined
    current?.settle(verdict)
    this.#next()
  }

  /** Ends the thread, and with it the check that runs. */
  async #giveUp(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#isReady = false
    this.#settle('unknown')
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(WORKER, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      // Neither keys nor anything else of the gateway is its business.
      env: {},
    })
    worker.unref()
    worker.on('message', (message: WorkerMessage) => {
      if (this.#worker !== worker) return
      if (message === 'ready') {
        this.#isReady = true
        if (this.#current !== undefined) this.#ask(worker, this.#current)
      } else if (message.id === this.#current?.request.id) this.#settle(message.verdict)
    })
    const gone = (): void => {
      if (this.#worker === worker) void this.#giveUp()
    }
    worker.on('error', gone)
    worker.on('exit', gone)
    return worker
  }
}
