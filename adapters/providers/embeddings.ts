/** Embeddings of texts from an endpoint of OpenAI's shape: POST `{baseUrl}/embeddings`. */
import { classifyReply } from './classify.ts'
import { badOutput } from './failures.ts'
import { Upstream } from './http.ts'
import type { ProviderConfig } from './spec.ts'
import { asArray, asRecords, parseJson } from './wire.ts'

const ANSWER_BYTES_MAX = 4 * 1024 * 1024
const ERROR_BYTES_MAX = 64 * 1024

export interface EmbedderConfig {
  /** Where the endpoint is and its key; its dialect and deadlines are not looked at. */
  readonly provider: ProviderConfig
  /** The vendor's model id. */
  readonly model: string
  /** Length of that model's vectors. */
  readonly dimensions: number
  /** For a whole call, ms; the connection included. */
  readonly timeoutMs: number
}

export interface Embedder {
  /**
   * Length `dimensions`.
   * @throws {UpstreamError} for every failure, also a vector of another length or with something that is no number
   */
  embed(text: string): Promise<Float64Array>
  /** Closes idle sockets and waits for running calls. */
  close(): Promise<void>
}

/** @throws {TypeError} when the provider's `baseUrl` is not an http or https URL. */
export function createEmbedder({ provider, model, dimensions, timeoutMs }: EmbedderConfig): Embedder {
  const { name, baseUrl, apiKey, headers, connections } = provider
  const upstream = new Upstream({
    name,
    baseUrl,
    headers: { ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers },
    deadlines: { connectMs: timeoutMs, firstByteMs: timeoutMs, idleMs: timeoutMs, totalMs: timeoutMs },
    connections,
  })
  return {
    async embed(input) {
      const reply = await upstream.post({
        path: '/embeddings',
        body: JSON.stringify({ model, input }),
        // Nobody else waits for it, and its own deadline is short.
        signal: new AbortController().signal,
        streams: false,
      })
      const { status, headers: replied } = reply
      if (status >= 300) {
        const { text: body } = await reply.text(ERROR_BYTES_MAX)
        const blame = { upstream: name, secret: apiKey }
        throw classifyReply(blame, { status, headers: replied, body, nowMs: Date.now() })
      }
      const { text } = await reply.text(ANSWER_BYTES_MAX)
      const vector = readVector(text, dimensions)
      if (vector === undefined) {
        throw badOutput(`${name} sent no embedding of ${dimensions} numbers for ${model}`)
      }
      return vector
    },
    close: () => upstream.close(),
  }
}

function readVector(text: string, dimensions: number): Float64Array | undefined {
  const body = parseJson(text)
  const [first] = asRecords((body as { readonly data?: unknown } | null | undefined)?.data)
  const values = asArray(first?.['embedding'])
  const isVector = values.length === dimensions && values.every((value) => Number.isFinite(value))
  return isVector ? Float64Array.from(values as readonly number[]) : undefined
}
