/** Raw HTTP towards the simulator: what came over the socket, and how it ended. */
import assert from 'node:assert/strict'
import { type IncomingHttpHeaders, request as openRequest } from 'node:http'
import {
  openDataset,
  type PromptRow,
  type SimulatedArm,
  type Simulator,
  startSimulator,
} from '../../../datasets/index.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** False: the socket closed before the body was whole. */
  readonly isComplete: boolean
}

export const KEYS = {
  'openai-compatible': { authorization: 'Bearer test' },
  anthropic: { 'x-api-key': 'test', 'anthropic-version': '2023-06-01' },
  google: { 'x-goog-api-key': 'test' },
} as const

/** @throws the socket's error when not even a status line came */
export function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = openRequest(url, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      const settle = (isComplete: boolean) =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          isComplete,
        })
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => settle(true))
      response.on('error', () => settle(false))
    })
    request.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
  })
}

/** The frames of an event stream; every one of them has to end in an empty line of the given line end. */
export function framesOf(
  text: string,
  lineEnd = '\n',
): readonly { readonly event: string | undefined; readonly data: string }[] {
  assert.ok(text.endsWith(lineEnd + lineEnd), 'the stream ends with an empty line')
  return text
    .slice(0, -2 * lineEnd.length)
    .split(lineEnd + lineEnd)
    .map((frame) => {
      const lines = frame.split(lineEnd)
      const data = lines.pop() ?? ''
      assert.match(data, /^data: /)
      const [event, ...rest] = lines
      assert.equal(rest.length, 0, `one data line in ${JSON.stringify(frame)}`)
      return { event: event?.replace(/^event: /, ''), data: data.slice('data: '.length) }
    })
}

export interface Fixture {
  readonly simulator: Simulator
  readonly rows: readonly PromptRow[]
  arm(shortName: string): SimulatedArm
  close(): Promise<void>
}

/** A simulator of the bundled set that answers at once. */
export async function startFixture(): Promise<Fixture> {
  const dataset = await openDataset('crossroads')
  const rows: PromptRow[] = []
  for await (const row of dataset.rows()) rows.push(row)
  const simulator = await startSimulator({ dataset, latencyScale: 0 })
  return {
    simulator,
    rows,
    arm(shortName) {
      const found = simulator.arms.find((arm) => arm.upstreamModel === shortName)
      assert.ok(found, `no arm ${shortName}`)
      return found
    },
    close: () => simulator.close(),
  }
}

/** Every path of a JSON value with the type found there; `[]` for any list index. Null counts as any type. */
export function shapeOf(value: unknown, path = ''): Map<string, string> {
  if (Array.isArray(value)) {
    return new Map([[path, 'array'], ...value.flatMap((item) => [...shapeOf(item, `${path}[]`)])])
  }
  if (typeof value === 'object' && value !== null) {
    return new Map([
      [path, 'object'],
      ...Object.entries(value).flatMap(([key, item]) => [...shapeOf(item, `${path}.${key}`)]),
    ])
  }
  return new Map([[path, value === null ? 'null' : typeof value]])
}

/** Each field of ours occurs in some recorded answer, with a type that was seen there. */
export function assertShapeIsRecorded(ours: unknown, recorded: readonly unknown[]): void {
  const seen = new Map<string, Set<string>>()
  for (const value of recorded) {
    for (const [path, type] of shapeOf(value)) seen.set(path, (seen.get(path) ?? new Set()).add(type))
  }
  for (const [path, type] of shapeOf(ours)) {
    const types = seen.get(path)
    assert.ok(types, `the provider sends no field ${path}`)
    assert.ok(
      type === 'null' || types.has(type) || types.has('null'),
      `${path} is ${type}, the provider sends ${[...types]}`,
    )
  }
}
