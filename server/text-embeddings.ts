/** The text block from the user's embedding endpoint: asked within its deadline, remembered, and left alone while it fails. */
import { createHash } from 'node:crypto'
import { type Embedder, Generations } from '../adapters/index.ts'
import type { EmbeddingBlock } from '../engine/index.ts'
import type { Clock } from './deps.ts'
import { Breaker } from './resilience/breaker.ts'

/** Texts whose coordinates are kept: about 200 bytes each. */
const REMEMBERED = 4_096

export const EMBEDDING_RESULTS = ['remembered', 'answered', 'failed', 'skipped'] as const
export type EmbeddingResult = (typeof EMBEDDING_RESULTS)[number]

export interface TextEmbeddingsOptions {
  readonly embedder: Pick<Embedder, 'embed'>
  readonly block: EmbeddingBlock
  readonly clock: Clock
  readonly onResult: (result: EmbeddingResult) => void
}

export class TextEmbeddings {
  readonly #options: TextEmbeddingsOptions
  /** By SHA-256 of the text, so that no prompt is kept. */
  readonly #remembered = new Generations<string, Float64Array>(REMEMBERED)
  readonly #breaker = new Breaker()

  constructor(options: TextEmbeddingsOptions) {
    this.#options = options
  }

  /**
   * Coordinates of the text block, or undefined when the endpoint failed, was late, or is left alone after failures: the
   * request is then decided by class and structure. Never rejects.
   */
  async describe(text: string): Promise<Float64Array | undefined> {
    const { embedder, block, clock, onResult } = this.#options
    const key = createHash('sha256').update(text).digest('base64')
    const known = this.#remembered.get(key)
    if (known !== undefined) {
      onResult('remembered')
      return known
    }
    if (!this.#breaker.admits(clock.nowMs())) {
      onResult('skipped')
      return undefined
    }
    this.#breaker.begin(clock.nowMs())
    try {
      const coordinates = block.describe(await embedder.embed(text))
      this.#breaker.succeed()
      this.#remembered.set(key, coordinates)
      onResult('answered')
      return coordinates
    } catch {
      // Counted; the why of a helper that a request can do without is not worth a line per request.
      this.#breaker.fail(clock.nowMs())
      onResult('failed')
      return undefined
    }
  }
}
