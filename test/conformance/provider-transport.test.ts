/** Sockets and clocks of every dialect: deadlines, cancelling, connections that are used again, the end of a stream. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { DIALECTS } from '../../adapters/index.ts'
import { collectAnswer, collectStream } from '../helpers/collect.ts'
import { CALL, failureOf, NO_REQUEST, providerAt, STREAMS, sse, withServer } from '../helpers/streams.ts'
import { json, startUpstream } from '../helpers/upstream.ts'

let controller = new AbortController()

for (const dialect of DIALECTS) {
  const { word, end, trailer } = STREAMS[dialect]
  describe(`deadlines of ${dialect}`, () => {
    it('first byte: headers alone are no answer', () =>
      withServer(
        (r) => r.writeHead(200).flushHeaders(),
        dialect,
        { firstByteMs: 30 },
        async (provider, upstream) => {
          const closed = upstream.nextClose()
          const error = await failureOf(collectStream(provider.chatStream(CALL)))
          assert.deepEqual([error.code, error.httpStatus, error.retry], ['upstream_timeout', 504, 'other'])
          assert.match(error.message, /no byte/)
          await closed
        },
      ))

    it('idle: from one chunk to the next', () =>
      withServer(
        (r) => sse(r, word),
        dialect,
        { idleMs: 30 },
        async (provider, upstream) => {
          const closed = upstream.nextClose()
          const error = await failureOf(collectStream(provider.chatStream(CALL)))
          assert.deepEqual([error.code, error.httpStatus], ['upstream_timeout', 504])
          assert.match(error.message, /silent/)
          await closed
        },
      ))

    it('total: also when something comes all the time', () => {
      const babble = (response: ServerResponse) => {
        const timer = setInterval(() => sse(response, ': still here\n\n'), 5)
        response.once('close', () => clearInterval(timer))
      }
      return withServer(babble, dialect, { totalMs: 60 }, async (provider) => {
        const error = await failureOf(collectStream(provider.chatStream(CALL)))
        assert.equal(error.code, 'upstream_timeout')
        assert.match(error.message, /did not finish/)
      })
    })

    it('total, for a whole answer, which has no first byte before it is done', () =>
      withServer(
        () => {},
        dialect,
        { totalMs: 40, firstByteMs: 1 },
        async (provider) => {
          const error = await failureOf(provider.chat(CALL))
          assert.match(error.message, /did not finish/)
        },
      ))
  })

  describe(`sockets of ${dialect}`, () => {
    it('are closed when the caller aborts before an answer', () =>
      withServer(
        () => controller.abort(),
        dialect,
        {},
        async (provider, upstream) => {
          controller = new AbortController()
          const closed = upstream.nextClose()
          const error = await failureOf(provider.chat({ ...CALL, signal: controller.signal }))
          assert.deepEqual([error.code, error.retry], ['cancelled', 'never'])
          await closed
        },
      ))

    it('are closed when the caller aborts in the middle of a stream', () =>
      withServer(
        (r) => sse(r, word),
        dialect,
        {},
        async (provider, upstream) => {
          const closed = upstream.nextClose()
          const aborter = new AbortController()
          const parts = provider.chatStream({ ...CALL, signal: aborter.signal })
          const error = await failureOf(
            (async () => {
              for await (const part of parts) if (part.type === 'chunks') aborter.abort()
            })(),
          )
          assert.equal(error.code, 'cancelled')
          await closed
        },
      ))

    it('are closed when the caller leaves the loop', () =>
      withServer(
        (r) => sse(r, word),
        dialect,
        {},
        async (provider, upstream) => {
          const closed = upstream.nextClose()
          for await (const part of provider.chatStream(CALL)) if (part.type === 'chunks') break
          await closed
        },
      ))

    it('are not opened for a call that was aborted before', () =>
      withServer(
        (r) => sse(r, word),
        dialect,
        {},
        async (provider, upstream) => {
          const error = await failureOf(provider.chat({ ...CALL, signal: AbortSignal.abort() }))
          assert.equal(error.code, 'cancelled')
          assert.equal(upstream.requests.length, 0)
        },
      ))

    it('are used again after a stream, an answer and an error', async () => {
      const ports = new Set<number | undefined>()
      const replies = [
        (r: ServerResponse) => {
          sse(r, word, end, trailer)
          r.end()
        },
        (r: ServerResponse) => json({ error: { message: 'x'.repeat(8_000_000) } }, 400)(r, NO_REQUEST),
        (r: ServerResponse) => json({ error: { message: 'no' } }, 400)(r, NO_REQUEST),
        (r: ServerResponse) => json({ error: { message: 'no' } }, 400)(r, NO_REQUEST),
      ]
      await using upstream = await startUpstream((response) => {
        ports.add(response.socket?.remotePort)
        replies[upstream.requests.length - 1]?.(response)
      })
      const provider = providerAt(upstream.url, dialect, {}, 1)
      await collectStream(provider.chatStream(CALL))
      const capped = await failureOf(provider.chat(CALL))
      assert.equal(
        capped.raw?.length,
        64 * 1024,
        'an error body is read to 64 kB; then its socket is given up',
      )
      await failureOf(provider.chat(CALL))
      await failureOf(provider.chat(CALL))
      assert.equal(ports.size, 2)
      await provider.close()
    })
  })

  describe(`the end of a stream of ${dialect}`, () => {
    it(
      'releases the socket when the upstream keeps it open after the last word',
      { skip: trailer === '' && 'no last word but the end of the body' },
      () =>
        withServer(
          (r) => sse(r, word, end, trailer),
          dialect,
          {},
          async (provider, upstream) => {
            const closed = upstream.nextClose()
            const { choices } = await collectStream(provider.chatStream(CALL))
            assert.equal(choices[0]?.text, 'Hi')
            await closed
          },
        ),
    )

    it('is the same however the caller asks: streamed, or folded from a stream', () =>
      withServer(
        (r) => {
          sse(r, word, end, trailer)
          r.end()
        },
        dialect,
        {},
        async (provider) => {
          const streamed = await collectStream(provider.chatStream(CALL))
          const whole = await collectAnswer(provider, CALL)
          assert.deepEqual(whole.choices, streamed.choices)
          assert.deepEqual(whole.usage, streamed.usage)
        },
      ))

    it('passes nothing on before the upstream has said something', () =>
      withServer(
        (r) => void sse(r, word.replace('"Hi"', '""')),
        dialect,
        { idleMs: 30 },
        async (provider) => {
          const seen: string[] = []
          await failureOf(
            (async () => {
              for await (const part of provider.chatStream(CALL)) seen.push(part.type)
            })(),
          )
          assert.deepEqual(seen, [])
        },
      ))
  })
}
