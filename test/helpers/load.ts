/** Steady traffic on a running gateway, with feedback on what it answers: what was confirmed, when, and how long it took. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answered {
  readonly decisionId: string
  /** When the answer was whole in the caller's hands, by the clock of the load. */
  readonly finishedMs: number
  readonly latencyMs: number
  /** The key of its feedback; undefined when that was not acknowledged. */
  feedbackKey: string | undefined
}

export interface Load {
  readonly answered: readonly Answered[]
  /** Answers other than the one asked for, by status; requests that broke off count as 0. */
  readonly failures: ReadonlyMap<number, number>
  /** Resolves when all that runs has ended. */
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly url: string
  /** Callers that ask one after the other, each with a pause of up to `pauseMs` (uniform, by `random`). */
  readonly callers: number
  readonly pauseMs: number
  readonly random: () => number
  /** @default Unix ms */
  readonly nowMs?: () => number
}

export function startLoad({ url, callers, pauseMs, random, nowMs = Date.now }: LoadOptions): Load {
  const answered: Answered[] = []
  const failures = new Map<number, number>()
  let stopped = false
  const fail = (status: number): void => void failures.set(status, (failures.get(status) ?? 0) + 1)
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  const ask = async (): Promise<void> => {
    const startedMs = performance.now()
    const response = await post('/v1/chat/completions', {
      model: 'auto',
      messages: [{ role: 'user', content: 'Which of these two is stable?' }],
    })
    await response.text()
    if (response.status !== 200) return fail(response.status)
    const entry: Answered = {
      decisionId: response.headers.get('x-highwayman-decision-id') ?? '',
      finishedMs: nowMs(),
      latencyMs: performance.now() - startedMs,
      feedbackKey: undefined,
    }
    answered.push(entry)
    const key = randomUUID()
    const judged = await post('/v1/feedback', {
      decision_id: entry.decisionId,
      metric: 'quality',
      value: Math.round(random() * 100) / 100,
      idempotency_key: key,
    })
    await judged.text()
    if (judged.status === 202) entry.feedbackKey = key
    else fail(judged.status)
  }
  const call = async (): Promise<void> => {
    while (!stopped) {
      try {
        await ask()
      } catch {
        fail(0)
      }
      await sleep(random() * pauseMs)
    }
  }
  const running = Promise.all(Array.from({ length: callers }, call))
  return {
    answered,
    failures,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

const BEAT_MS = 20

export interface Pulse {
  /** How long the gateway has lived, ms: of a beat that it or the machine stood still in, no more than two beats count. */
  readonly livedMs: () => number
  /** Resolves when it has lived so long; rejects after a minute. */
  until(ms: number): Promise<void>
  stop(): Promise<void>
}

/** Asks a gateway how it is, one time after the other. */
export function startPulse(url: string): Pulse {
  let livedMs = 0
  let stopped = false
  const running = (async () => {
    while (!stopped) {
      const fromMs = performance.now()
      await sleep(BEAT_MS)
      try {
        await (await fetch(`${url}/healthz`)).text()
      } catch {
        return
      }
      livedMs += Math.min(performance.now() - fromMs, 2 * BEAT_MS)
    }
  })()
  return {
    livedMs: () => livedMs,
    async until(ms) {
      const deadline = performance.now() + 60_000
      while (livedMs < ms) {
        if (performance.now() > deadline) throw new Error(`the gateway has lived ${livedMs} ms in a minute`)
        await sleep(5)
      }
    },
    stop: async () => {
      stopped = true
      await running
    },
  }
}

/** The value below which a share `q` of `values` lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
