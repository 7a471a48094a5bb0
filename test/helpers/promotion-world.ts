/** A gateway with two arms, of which the configuration prefers the first, and what operators do with policies on it. */
import assert from 'node:assert/strict'
import { type ArmId, type PolicyFile, policyFileHash } from '../../engine/index.ts'
import { DEFAULT_GATE_RULES, type EvaluationJson } from '../../eval/gate/index.ts'
import { evaluationJson } from './evaluation.ts'
import { MemoryStore } from './memory-store.ts'
import { policyFile } from './policies.ts'
import { registryOf, startTestServer, type TestServer } from './server.ts'

export const ONE = 'p/one' as ArmId
export const TWO = 'p/two' as ArmId
/** Every request is answered by the second arm. */
export const SECOND = policyFile({ policy: { name: 'fixed', arm: TWO } })
export const SECOND_HASH = policyFileHash(SECOND)
export const SECOND_LABEL = `fixed@${SECOND_HASH.slice(0, 12)}`

export type Reply = Record<string, unknown>

/** @param url where both arms' provider listens */
export function promotionWorld(url: string) {
  const registry = (followEveryMs = 3_600_000) => ({
    ...registryOf({
      arms: [
        { id: ONE, url: url },
        { id: TWO, url: url },
      ],
      models: [
        {
          name: 'narrow',
          arms: [ONE],
          policy: { name: 'fixed', arm: ONE },
          preferences: { kind: 'exchange-rates' },
          constraints: {},
          floor: 0,
          switchMargin: 0,
          explore: true,
        },
      ],
    }),
    promotion: { rules: DEFAULT_GATE_RULES, canaryShare: 0.05, unit: 'session' as const, followEveryMs },
  })
  const start = (store = new MemoryStore(), followEveryMs?: number) =>
    startTestServer(registry(followEveryMs), { store }).then((server) => ({ server, store }))

  const call = async (server: TestServer, path: string, body: object, status = 200): Promise<Reply> => {
    const response = await server.post(`/admin/v1/${path}`, body)
    const reply = (await response.json()) as Reply
    assert.equal(response.status, status, JSON.stringify(reply))
    return reply
  }
  const refusal = async (server: TestServer, path: string, body: object) => {
    const response = await server.post(`/admin/v1/${path}`, body)
    const { error } = (await response.json()) as {
      error: { code: string; message: string; reasons?: { code: string }[] }
    }
    return [response.status, error.code, error.reasons?.map(({ code }) => code)]
  }
  const upload = async (server: TestServer, file: PolicyFile = SECOND) =>
    String((await call(server, 'policies', { policy: JSON.parse(JSON.stringify(file)) }))['hash'])
  const record = (server: TestServer, hash: string, change: Partial<EvaluationJson> = {}) =>
    call(server, `policies/${hash}/evaluations`, {
      evaluation: evaluationJson({
        targetHash: hash,
        logged: { n: 10_000, from: new Date().toISOString(), to: new Date().toISOString() },
        ...change,
      }),
    })
  const get = async (server: TestServer, path: string) => (await (await server.get(path)).json()) as Reply
  /** Which policy served, by the header. */
  const policyOf = async (server: TestServer, headers: Record<string, string> = {}, model = 'auto') => {
    const response = await server.chat({ model }, headers)
    assert.equal(response.status, 200)
    await response.text()
    return response.headers.get('x-highwayman-policy')
  }
  const worse = (): Partial<EvaluationJson> => {
    const { values } = evaluationJson()
    const utility = { ...values.utility!, difference: { value: 0.02, lo: -0.01, hi: 0.05 } }
    return { values: { ...values, utility } }
  }
  return { registry, start, call, refusal, upload, record, get, policyOf, worse }
}
