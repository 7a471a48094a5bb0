import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  type ArmId,
  createFeatureSpace,
  createPolicyFile,
  createRouter,
  DEFAULT_CLASSES,
  type PolicyFile,
  qualityObservation,
  writePolicyFile,
} from '../../engine/index.ts'
import { ConfigError, explainRegistry, explanationLines, loadRegistry } from '../../server/config/index.ts'
import { arm, decide, decisionId } from '../helpers/engine.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { registryOf, startTestServer, type TestServer } from '../helpers/server.ts'

const home = mkdtempSync(join(tmpdir(), 'highwayman-cold-start-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** Two arms of the same registration, one of which was seen to be good and one to be bad. */
function made(classes: readonly string[]): PolicyFile {
  const source = createRouter({
    arms: [arm('acme/a'), arm('acme/b')],
    featureSpace: createFeatureSpace({ classes }),
  })
  const decision = decide(source)
  for (let i = 0; i < 200; i++) {
    for (const [id, quality] of [
      ['acme/a', 0.2],
      ['acme/b', 0.9],
    ] as const) {
      const value = Math.floor((i + 1) * quality) - Math.floor(i * quality)
      source.learn([qualityObservation({ ...decision, id: decisionId(i) }, id as ArmId, value, 1_000)])
    }
  }
  return createPolicyFile(source, {
    policy: { name: 'epsilon-greedy', epsilon: 0.2 },
    hyperparameters: { floor: 0.07, effectiveSamples: 100, halfLifeMs: { quality: 5_000_000 } },
    provenance: { createdMs: Date.UTC(2026, 0, 2), source: 'crossroads', split: 'train', rows: 200 },
  })
}

describe('a configuration with a policy file', () => {
  const text = `providers:
  acme: { type: openai-compatible, baseUrl: http://127.0.0.1:9/v1 }
arms:
  acme/a: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 } }
  acme/b: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 }, priorFrom: acme/a }
models:
  plain: {}
  own: { policy: thompson, floor: 0.5 }
coldStart: { file: policy.json, effectiveSamples: 40 }
`
  const path = join(home, 'highwayman.yaml')
  const load = (policyFile: string) => {
    writeFileSync(join(home, 'policy.json'), policyFile)
    writeFileSync(path, text)
    return loadRegistry({ path, env: {} })
  }

  it('starts from it, and gives its policy and floor to models that name none', () => {
    const file = made(DEFAULT_CLASSES)
    const registry = load(writePolicyFile(file))!
    const [plain, own] = ['plain', 'own'].map((name) => registry.models.get(name)!)
    assert.deepEqual([plain!.policy, plain!.floor], [{ name: 'epsilon-greedy', epsilon: 0.2 }, 0.07])
    assert.deepEqual([own!.policy, own!.floor], [{ name: 'thompson' }, 0.5])
    assert.deepEqual(registry.coldStart?.policyFile.sums, file.sums)
    assert.equal(registry.coldStart?.policyFile.hyperparameters.effectiveSamples, 40)
    assert.equal(registry.arms.get('acme/b' as ArmId)?.arm.priorFrom, 'acme/a')
    const lines = explanationLines(explainRegistry(registry)).join('\n')
    assert.match(lines, /starts from {4}.*policy\.json, made 2026-01-02 from 200 rows of crossroads, train/)
  })

  const refused = (policyFile: string, words: RegExp) =>
    assert.throws(
      () => load(policyFile),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.message, words)
        return true
      },
    )

  it('that is wrong is told at its line, with the path inside the file', () => {
    refused('{', /highwayman\.yaml:9:20 coldStart\.file: policy\.json: is not JSON/)
    refused('{}', /policy\.json: policy file: format must be/)
    const file = made(DEFAULT_CLASSES)
    const [first, ...others] = file.sums
    refused(
      writePolicyFile({ ...file, sums: [{ ...first!, b: [1] }, ...others] }),
      /sums\[0\]\.b must have 24 numbers, got 1/,
    )
  })

  it('of other classes is refused with both lists', () => {
    refused(
      writePolicyFile(made(['chat', 'law'])),
      /with the classes chat, law; here it is .* chat, code, .*: give the same classes/,
    )
  })
})

describe('a server with a policy file', () => {
  const messages = [{ role: 'user', content: 'Hello there' }]
  const qualities = async (server: TestServer) => {
    const response = await server.post('/v1/route', { messages, highwayman: { class: 'chat' } })
    const { estimates } = (await response.json()) as {
      estimates: { arm: string; quality: { mean: number } }[]
    }
    return Object.fromEntries(
      estimates.map(({ arm: id, quality }) => [id, Math.round(quality.mean * 10) / 10]),
    )
  }

  it('believes it at once, and until a reload that has none', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = registryOf({ arms: ['acme/a', 'acme/b'].map((id) => ({ id, url: upstream.url })) })
    const coldStart = { path: 'policy.json', policyFile: made(registry.classes) }
    await using server = await startTestServer({ ...registry, coldStart })
    assert.equal(server.running.router.halfLifeMs.quality, 5_000_000)
    assert.deepEqual(await qualities(server), { 'acme/a': 0.2, 'acme/b': 0.9 })
    server.running.reload(registry)
    assert.deepEqual(await qualities(server), { 'acme/a': 0.5, 'acme/b': 0.5 })
    server.running.reload({ ...registry, coldStart })
    assert.deepEqual(await qualities(server), { 'acme/a': 0.2, 'acme/b': 0.9 })
  })
})
