import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { UpstreamError } from '../../adapters/providers/errors.ts'
import { EVENT_LENGTH_MAX } from '../../adapters/providers/framer.ts'
import { createSseFramer } from '../../adapters/providers/sse.ts'

function frame(...pieces: readonly string[]) {
  const framer = createSseFramer('arm')
  return [...pieces.flatMap((piece) => framer.push(piece)), ...framer.end()]
}
const data = (text: string, name?: string) => ({ name, data: text })

describe('server-sent events', () => {
  it('end at a blank line, whichever way lines end', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      assert.deepEqual(frame(`data: a${end}${end}data: b${end}${end}`), [data('a'), data('b')])
    }
  })

  it('end with the body', () => assert.deepEqual(frame('data: a'), [data('a')]))

  it('join several data lines and keep the name', () => {
    assert.deepEqual(frame('event: x\ndata: a\ndata:b\n\n'), [data('a\nb', 'x')])
  })

  it('drop blank data, comments and what is no field', () => {
    assert.deepEqual(frame(': hi\n\ndata:\n\nfoo: bar\nbaz\nid: 1\nretry: 5\ndata: a\n\n'), [data('a')])
  })

  it('know a field named error, wherever the line is cut', () => {
    const body = 'error: {"message":"no"}\n\n'
    for (let at = 0; at <= body.length; at++) {
      assert.deepEqual(
        frame(body.slice(0, at), body.slice(at)),
        [data('{"message":"no"}', 'error')],
        `cut at ${at}`,
      )
    }
  })

  it('keep JSON that stands outside of any field, wherever the lines are cut', () => {
    const body = 'data: a\n\n{\n  "error": {\n    "code": 499\n  }\n}\n'
    for (let at = 0; at <= body.length; at++) {
      const [first, stray] = frame(body.slice(0, at), body.slice(at))
      assert.deepEqual(first, data('a'))
      assert.equal(stray?.name, 'stray')
      assert.deepEqual(JSON.parse(stray.data), { error: { code: 499 } }, `cut at ${at}`)
    }
  })

  it('give the same events for every cut', () => {
    const alphabet = fc.constantFrom(
      'd',
      'data: ',
      'x',
      ':',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'event: e',
      'é',
      '{',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 30 }), fc.nat(60), (tokens, point) => {
        const body = tokens.join('')
        const at = Math.min(point, body.length)
        assert.deepEqual(frame(body.slice(0, at), body.slice(at)), frame(body))
      }),
      { numRuns: 500, seed: 20261122 },
    )
  })

  it('are bounded: a line without an end, and an event without one', () => {
    const piece = 'x'.repeat(EVENT_LENGTH_MAX / 4)
    const tooLong = (error: unknown) => error instanceof UpstreamError && error.code === 'upstream_bad_output'
    assert.throws(() => frame('data: ', piece, piece, piece, piece), tooLong)
    const line = `data: ${piece}\n`
    assert.throws(() => frame(line, line, line, line, line), tooLong)
  })
})
