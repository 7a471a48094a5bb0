/**
 * Traffic of a dataset through a running Highwayman, as an application would send it: a prompt, an answer, then feedback
 * on how good the answer was. The judge is the simulator's verdict at the end of each answer.
 */
import type { Pool } from 'undici'
import { readVerdict } from './simulator/verdict.ts'
import type { PromptRow } from './types.ts'

export interface TrafficOptions {
  /** The server's address, `http://127.0.0.1:8787`. */
  readonly url: string
  readonly prompts: AsyncIterable<PromptRow> | Iterable<PromptRow>
  /** @default 'auto' */
  readonly model?: string
  readonly apiKey?: string
  /** Requests under way at once. @default 8 */
  readonly concurrency?: number
  /** What the n-th request, from 0, calls itself (`x-request-id`). @default the server names it */
  readonly requestId?: (n: number) => string
  /** Send feedback for every answer. @default true */
  readonly feedback?: boolean
  /** Called as each prompt is done, in order of completion. */
  readonly onResult?: (result: TrafficResult) => void
  readonly signal?: AbortSignal
}

export interface TrafficResult {
  readonly promptId: string
  readonly category: string
  /** HTTP status of the answer; 0 when there was none. */
  readonly status: number
  /** Set unless the request failed. */
  readonly decisionId: string | undefined
  readonly arm: string | undefined
  readonly propensity: number | undefined
  readonly attempts: number | undefined
  readonly costUsd: number | undefined
  /** [0, 1], as judged; undefined when the answer carries no verdict. */
  readonly quality: number | undefined
  readonly totalMs: number
  /** HTTP status of the feedback; undefined when none was sent. */
  readonly feedbackStatus: number | undefined
  /** What went wrong, for a request that failed. */
  readonly error: string | undefined
}

/** Resolves when all prompts are done. A request that fails is a result, not an exception. */
export async function driveTraffic(options: TrafficOptions): Promise<readonly TrafficResult[]> {
  const { concurrency = 8, onResult, signal } = options
  const { Pool } = await import('undici')
  const client = new Pool(options.url, { connections: concurrency, bodyTimeout: 0, headersTimeout: 0 })
  const results: TrafficResult[] = []
  const prompts = iterate(options.prompts)
  let sent = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      signal?.throwIfAborted()
      const next = await prompts.next()
      if (next.done === true) return
      const requestId = options.requestId?.(sent++)
      const result = await sendOne(client, next.value, options, requestId)
      results.push(result)
      onResult?.(result)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
    return results
  } finally {
    await client.destroy()
  }
}

async function* iterate(prompts: TrafficOptions['prompts']): AsyncGenerator<PromptRow, void> {
  yield* prompts
}

async function sendOne(
  client: Pool,
  row: PromptRow,
  options: TrafficOptions,
  requestId: string | undefined,
): Promise<TrafficResult> {
  const start = performance.now()
  const failure = (status: number, error: string): TrafficResult => ({
    promptId: row.promptId,
    category: row.category,
    status,
    decisionId: undefined,
    arm: undefined,
    propensity: undefined,
    attempts: undefined,
    costUsd: undefined,
    quality: undefined,
    totalMs: performance.now() - start,
    feedbackStatus: undefined,
    error,
  })
  try {
    const question = {
      model: options.model ?? 'auto',
      messages: [{ role: 'user', content: row.prompt }],
      highwayman: { class: row.category },
    }
    const answer = await post(client, '/v1/chat/completions', options, question, requestId)
    if (answer.status !== 200) return failure(answer.status, JSON.stringify(answer.body))
    const totalMs = performance.now() - start
    const quality = readVerdict(textOf(answer.body))?.quality
    const decisionId = answer.header('x-highwayman-decision-id')
    const feedback =
      options.feedback === false || quality === undefined || decisionId === undefined
        ? undefined
        : await post(client, '/v1/feedback', options, {
            decision_id: decisionId,
            metric: 'quality',
            value: quality,
            source: 'simulator',
          })
    return {
      promptId: row.promptId,
      category: row.category,
      status: answer.status,
      decisionId,
      arm: answer.header('x-highwayman-arm'),
      propensity: numberOf(answer.header('x-highwayman-propensity')),
      attempts: numberOf(answer.header('x-highwayman-attempts')),
      costUsd: numberOf(answer.header('x-highwayman-cost-usd')),
      quality,
      totalMs,
      feedbackStatus: feedback?.status,
      error: undefined,
    }
  } catch (error) {
    if (options.signal?.aborted) throw error
    return failure(0, error instanceof Error ? error.message : String(error))
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
  header(name: string): string | undefined
}

async function post(
  client: Pool,
  path: string,
  options: TrafficOptions,
  body: unknown,
  requestId?: string,
): Promise<Answer> {
  const response = await client.request({
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/json',
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    },
    body: JSON.stringify(body),
    signal: options.signal ?? null,
  })
  const text = await response.body.text()
  return {
    status: response.statusCode,
    body: text === '' ? undefined : JSON.parse(text),
    header(name) {
      const value = response.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
  }
}

function textOf(body: unknown): string {
  const completion = body as {
    readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[]
  }
  const content = completion.choices?.[0]?.message?.content
  return typeof content === 'string' ? content : ''
}

function numberOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header)
}
