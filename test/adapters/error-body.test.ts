import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { classifyPayload, classifyReply } from '../../adapters/providers/classify.ts'
import { readErrorBody } from '../../adapters/providers/error-body.ts'

describe('error bodies', () => {
  const shapes: readonly (readonly [
    body: string,
    message: string,
    code?: string | undefined,
    type?: string,
  ])[] = [
    ['{"error":{"message":"m","type":"t","code":"c","param":null}}', 'm', 'c', 't'],
    ['{"error":"m"}', 'm'],
    ['{"code":"c","error":"m"}', 'm', 'c'],
    ['{"type":"error","error":{"type":"t","message":"m"}}', 'm', undefined, 't'],
    ['[{"error":{"code":400,"message":"m","status":"S"}}]', 'm', '400', 'S'],
    ['{"message":"m"}', 'm'],
    ['{"detail":"m"}', 'm'],
    ['{"detail":[{"loc":["body","x"],"msg":"no"},{"loc":["y"],"msg":"also"}]}', 'body.x: no; y: also'],
    ['{"object":"error","message":"m","type":"t","code":"3505"}', 'm', '3505', 't'],
    ['{"errors":[{"message":"m","code":1001}]}', 'm', '1001'],
    ['"m"', 'm'],
    ['upstream said no', 'upstream said no'],
    ['<html><head><title>502 Bad Gateway</title></head></html>', '502 Bad Gateway'],
    ['<p>no title</p>', ''],
    ['', ''],
    ['null', ''],
    ['{"error":null}', ''],
  ]
  for (const [body, message, code, type] of shapes) {
    it(body === '' ? '(nothing)' : body, () => {
      const told = readErrorBody(body)
      assert.deepEqual([told.message, told.code, told.type], [message, code, type])
    })
  }

  it('of any shape are read without an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.integer({ min: 300, max: 599 }), (body, status) => {
        const blame = { upstream: 'arm', secret: 'sk-secret' }
        const error = classifyReply(blame, { status, headers: {}, body, nowMs: 0 })
        assert.ok(error.message.length > 0)
        assert.ok(error.httpStatus >= 400)
      }),
      { numRuns: 500, seed: 20261122 },
    )
  })
})

describe('what an error tells the caller', () => {
  const blame = { upstream: 'arm', secret: 'sk-secret-123' }
  const reply = (status: number, body: string) =>
    classifyReply(blame, { status, headers: {}, body, nowMs: 0 })

  it('is the vendor own words for a mistake of the caller', () => {
    const error = reply(400, '{"error":{"message":"Bad field","param":"x","code":"unknown_field"}}')
    assert.deepEqual([error.message, error.param, error.code], ['Bad field', 'x', 'unknown_field'])
  })

  it('is nothing of our account when that is at fault', () => {
    const error = reply(401, '{"error":{"message":"Incorrect API key provided: sk-secret-123"}}')
    assert.ok(!error.message.includes('sk-'))
    assert.ok(!error.raw?.includes('sk-secret-123'), 'not even in what is kept for the log')
    assert.equal(error.httpStatus, 502)
  })

  it('is never the credential, wherever the upstream repeats it', () => {
    const error = reply(400, '{"error":{"message":"Bad header: Bearer sk-secret-123"}}')
    assert.equal(error.message, 'Bad header: Bearer [credential]')
  })

  it('keeps its own class inside a stream', () => {
    assert.equal(classifyPayload(blame, { error: { message: 'no', code: 400 } }, 0).retry, 'never')
    assert.equal(
      classifyPayload(blame, { type: 'error', error: { type: 'overloaded_error' } }, 0).httpStatus,
      503,
    )
    assert.equal(classifyPayload(blame, 'anything', 0).code, 'upstream_error')
  })

  it('lets a quoted prompt decide nothing', () => {
    const error = reply(400, '{"error":{"message":"Invalid value: \'my account is over capacity\'"}}')
    assert.equal(error.code, 'invalid_request')
  })
})
