/** However the network cuts a stream, the same comes out of it: chunks, end, or error. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { AnthropicStreamDecoder } from '../../adapters/providers/anthropic/stream.ts'
import { ByteFramer } from '../../adapters/providers/byte-framer.ts'
import type { StreamDecoder } from '../../adapters/providers/codec.ts'
import { UpstreamError } from '../../adapters/providers/errors.ts'
import { GeminiStreamDecoder } from '../../adapters/providers/google/stream.ts'
import { OpenAiStreamDecoder } from '../../adapters/providers/openai-compatible/stream.ts'
import type { ChatChunk, Dialect } from '../../adapters/providers/spec.ts'
import { readFixtures } from '../helpers/fixtures.ts'
import { needsShared } from '../helpers/shared.ts'
import { DIALECT_OF, SKIPPED_ENDPOINTS } from './provider-cases.ts'

const blame = { upstream: 'arm', secret: undefined }
const DECODERS: Readonly<Record<Dialect, () => StreamDecoder>> = {
  'openai-compatible': () =>
    new OpenAiStreamDecoder({ ...blame, repairStopAfterTools: true, choices: 1, mayBeEmpty: false }),
  anthropic: () => new AnthropicStreamDecoder({ ...blame, origin: 'arm/m', answerTool: undefined }),
  google: () =>
    new GeminiStreamDecoder({ ...blame, origin: 'arm/m', functions: new Set(), mayBeEmpty: false }),
}

/** Everything that comes out of a body in these pieces. */
function decode(pieces: readonly Uint8Array[], dialect: Dialect): unknown {
  const framer = new ByteFramer('arm')
  const decoder = DECODERS[dialect]()
  const chunks: ChatChunk[] = []
  try {
    for (const piece of pieces) {
      for (const event of framer.push(piece)) {
        chunks.push(...decoder.push(event))
        if (decoder.progress === 'closed') return { chunks: told(chunks), end: decoder.end() }
      }
    }
    for (const event of framer.end()) chunks.push(...decoder.push(event))
    const end = decoder.end()
    return { chunks: told([...chunks, ...end.chunks]), end: { ...end, chunks: [] } }
  } catch (error) {
    assert.ok(error instanceof UpstreamError, String(error))
    return { chunks: told(chunks), error: [error.code, error.message] }
  }
}

/** Ids that we make up, and the time, differ from one reading to the next. */
function told(chunks: readonly ChatChunk[]): string {
  return JSON.stringify(chunks).replace(/"id":"call_[0-9a-f]{24}"|"created":\d+/g, '')
}

function cut(body: Uint8Array, points: readonly number[]): readonly Uint8Array[] {
  const at = [...new Set([0, ...points, body.length])].toSorted((a, b) => a - b)
  return at.slice(1).map((end, index) => body.subarray(at[index], end))
}

const needed = needsShared('fixtures', 'index.json')
const streams = (needed.skip === false ? readFixtures() : []).filter(
  ({ streams: isStream, folder, meta }) =>
    isStream && folder in DIALECT_OF && !SKIPPED_ENDPOINTS.some(([pattern]) => pattern.test(meta.endpoint)),
)

describe('any split of the bytes decodes the same', needed, () => {
  for (const { dir, folder, body } of streams) {
    it(dir, () => {
      const dialect = DIALECT_OF[folder]!
      const whole = decode([body], dialect)
      // Long bodies in fewer ways: each way reads the whole of it.
      const numRuns = body.length > 20_000 ? 3 : 15
      const point = fc.integer({ min: 0, max: body.length })
      fc.assert(
        fc.property(fc.array(point, { maxLength: 40 }), (points) => {
          assert.deepEqual(decode(cut(body, points), dialect), whole)
        }),
        { numRuns, seed: 20261122 },
      )
      if (body.length > 4_000) return
      const bytes = Array.from(body, (_, index) => body.subarray(index, index + 1))
      assert.deepEqual(decode(bytes, dialect), whole)
    })
  }

  it('covers every dialect', () => {
    const covered = new Set(streams.map(({ folder }) => DIALECT_OF[folder]))
    assert.deepEqual([...covered].toSorted(), ['anthropic', 'google', 'openai-compatible'])
  })
})
