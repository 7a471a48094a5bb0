/** Recorded upstream traffic: its cases, and a handler that replays one byte for byte. */
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { sharedPath } from './shared.ts'

export interface ToolCallFact {
  readonly id?: string | null
  readonly name?: string | null
  /** Parsed where it is valid JSON, else the text. */
  readonly arguments?: unknown
}
export interface ChoiceFacts {
  readonly index?: number
  readonly text: string | null
  readonly reasoning: string | null
  readonly refusal?: string | null
  readonly tool_calls: readonly ToolCallFact[]
  readonly finish_reason: string | null
}
export interface Facts {
  readonly choices: readonly ChoiceFacts[]
  readonly usage: Readonly<Record<string, unknown>> | null
  readonly stream?: { readonly events: number; readonly error: unknown }
}
export interface Expectation {
  readonly text?: string
  readonly text_length?: number
  readonly finish_reason?: string | null
  readonly error?: 'parse' | 'upstream' | 'empty'
}
interface Meta {
  readonly endpoint: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly features: readonly string[]
  readonly facts?: Facts
  readonly expect?: Expectation
  readonly transport?: {
    readonly chunk_bytes?: readonly number[]
    readonly end?: 'normal' | 'destroy' | 'stall'
  }
}

export interface FixtureCase {
  /** `openai-chat/text-stream` */
  readonly dir: string
  readonly folder: string
  readonly meta: Meta
  readonly body: Buffer
  /** The body is a stream of events. */
  readonly streams: boolean
}

interface IndexEntry {
  readonly dir: string
  readonly file: string
}

/** Every case, by the index, so that none is missed. */
export function readFixtures(): readonly FixtureCase[] {
  const index: { readonly cases: readonly IndexEntry[] } = readJson('index.json')
  return index.cases.map(({ dir, file }) => {
    const meta: Meta = readJson(dir, 'meta.json')
    return {
      dir,
      folder: dir.split('/', 1)[0]!,
      meta,
      body: readFileSync(sharedPath('fixtures', dir, file)),
      streams: file.endsWith('.sse') || (meta.facts?.stream !== undefined && file.endsWith('.json')),
    }
  })
}

/** What was sent upstream, where it is known. */
export function readRequestBody({ dir }: FixtureCase): Readonly<Record<string, unknown>> {
  try {
    return readJson<{ body?: Record<string, unknown> }>(dir, 'request.json').body ?? {}
  } catch {
    return {}
  }
}

/** Replays status, headers and body, in the writes and with the end that the case asks for. */
export async function replay({ meta, body }: FixtureCase, response: ServerResponse): Promise<void> {
  const { 'transfer-encoding': _, ...headers } = meta.headers
  response.writeHead(meta.status, headers)
  for (const chunk of slices(body, meta.transport?.chunk_bytes ?? [body.length])) {
    await new Promise((resolve) => response.write(chunk, resolve))
  }
  const end = meta.transport?.end ?? 'normal'
  if (end === 'normal') response.end()
  if (end === 'destroy') response.destroy()
}

function* slices(body: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield body.subarray(at, at + size)
    at += size
  }
}

function readJson<T>(...segments: string[]): T {
  return JSON.parse(readFileSync(sharedPath('fixtures', ...segments), 'utf8'))
}
