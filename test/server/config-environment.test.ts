/** The registries of no file: the environment's keys, and a simulator. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { type ArmId, createFeatureSpace, createRouter } from '../../engine/index.ts'
import {
  ConfigError,
  explainRegistry,
  registryFromEnvironment,
  registryFromSimulator,
  type SimulatedArm,
} from '../../server/config/index.ts'

const VARIABLES: Readonly<Record<string, string>> = {
  OPENAI_API_KEY: 'openai',
  ANTHROPIC_API_KEY: 'anthropic',
  GEMINI_API_KEY: 'google',
  GOOGLE_API_KEY: 'google',
  GROQ_API_KEY: 'groq',
  MISTRAL_API_KEY: 'mistral',
  DEEPSEEK_API_KEY: 'deepseek',
  XAI_API_KEY: 'xai',
  TOGETHER_API_KEY: 'together',
  FIREWORKS_API_KEY: 'fireworks',
  OPENROUTER_API_KEY: 'openrouter',
  CEREBRAS_API_KEY: 'cerebras',
}
const ALL = Object.fromEntries(Object.keys(VARIABLES).map((variable) => [variable, `key of ${variable}`]))

describe('the environment', () => {
  for (const [variable, provider] of Object.entries(VARIABLES)) {
    it(`${variable} brings ${provider}`, () => {
      const registry = registryFromEnvironment({ [variable]: 'k' })
      assert.ok(registry)
      assert.deepEqual([...registry.providers.keys()], [provider])
      assert.equal(registry.providers.get(provider)?.apiKey, 'k')
      assert.ok(registry.arms.size >= 2, `${registry.arms.size} arms`)
      for (const [id, { arm }] of registry.arms) {
        assert.ok(id.startsWith(`${provider}/`))
        assert.ok(arm.capabilities.includes('tools'), `${id} takes no tools`)
        assert.ok(arm.contextWindowTokens !== undefined, `${id} has no window`)
      }
    })
  }

  it('without keys, or with empty ones, is nothing', () => {
    assert.equal(registryFromEnvironment({}), undefined)
    assert.equal(registryFromEnvironment({ OPENAI_API_KEY: '', HOME: '/' }), undefined)
  })

  it('takes the first of two variables for one key', () => {
    const registry = registryFromEnvironment({ GEMINI_API_KEY: 'first', GOOGLE_API_KEY: 'second' })
    assert.equal(registry?.providers.get('google')?.apiKey, 'first')
  })

  it('has prices from the table, none of them free or disputed, and nothing odd', () => {
    const registry = registryFromEnvironment(ALL)
    assert.ok(registry)
    for (const { arm, priceSource } of registry.arms.values()) {
      assert.ok(typeof priceSource === 'object' && priceSource.disputed === undefined, arm.id)
      assert.ok(arm.price.outputUsdPerMtok > 0, arm.id)
    }
    assert.deepEqual(explainRegistry(registry).warnings, [])
  })

  it('has four virtual models over all arms', () => {
    const registry = registryFromEnvironment(ALL)
    assert.ok(registry)
    assert.equal(registry.source, 'environment')
    assert.deepEqual([...registry.models.keys()], ['auto', 'auto/fast', 'auto/cheap', 'auto/best'])
    for (const { arms } of registry.models.values()) assert.deepEqual(arms, [...registry.arms.keys()])
  })

  it('is a registry the engine takes', () => {
    const registry = registryFromEnvironment(ALL)
    assert.ok(registry)
    const arms = [...registry.arms.values()].map(({ arm }) => arm)
    const router = createRouter({ arms, featureSpace: createFeatureSpace({ classes: registry.classes }) })
    assert.equal(router.arms.size, arms.length)
  })

  it('keeps its data where it is told', () => {
    const store = registryFromEnvironment(ALL, { dataDir: '/data' })?.store
    assert.ok(store?.kind === 'embedded')
    assert.deepEqual([store.dataDir, store.spool?.directory], ['/data', '/data/spool'])
  })
})

describe('a simulator', () => {
  const simulated = (id: string, change: Partial<SimulatedArm> = {}): SimulatedArm => ({
    id,
    dialect: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:4000/v1',
    upstreamModel: `upstream ${id}`,
    price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2 },
    prior: { quality: 0.5, ttftMs: 100, tpotMs: 5, outputTokens: 50 },
    ...change,
  })

  it('becomes a registry', () => {
    const registry = registryFromSimulator([
      simulated('sim/a', { contextWindowTokens: 8192 }),
      simulated('sim/b'),
      simulated('other/a', { dialect: 'anthropic', baseUrl: 'http://127.0.0.1:4000' }),
    ])
    assert.equal(registry.source, 'simulator')
    assert.deepEqual(
      [...registry.providers.values()],
      [
        {
          name: 'sim',
          dialect: 'openai-compatible',
          baseUrl: 'http://127.0.0.1:4000/v1',
          apiKey: 'simulated',
        },
        { name: 'other', dialect: 'anthropic', baseUrl: 'http://127.0.0.1:4000', apiKey: 'simulated' },
      ],
    )
    const built = registry.arms.get('sim/a' as ArmId)
    assert.equal(built?.upstreamModel, 'upstream sim/a')
    assert.equal(built?.provider, 'sim')
    assert.equal(built?.priceSource, 'simulator')
    assert.equal(built?.arm.contextWindowTokens, 8192)
    assert.equal(registry.arms.get('sim/b' as ArmId)?.arm.contextWindowTokens, undefined)
    assert.deepEqual(registry.models.get('auto')?.arms, ['sim/a', 'sim/b', 'other/a'])
    assert.deepEqual(registry.store, {
      kind: 'embedded',
      dataDir: resolve('.highwayman'),
      spool: { directory: resolve('.highwayman/spool') },
    })
    assert.deepEqual(explainRegistry(registry).warnings, [])
  })

  it('is refused when it contradicts itself', () => {
    const bad: readonly (readonly [readonly SimulatedArm[], RegExp])[] = [
      [[], /no arms/],
      [[simulated('a')], /"a" is not provider\/model/],
      [[simulated('sim/a'), simulated('sim/a')], /there twice/],
      [[simulated('sim/a'), simulated('sim/b', { baseUrl: 'http://127.0.0.1:5000/v1' })], /5000/],
    ]
    for (const [arms, message] of bad) {
      assert.throws(
        () => registryFromSimulator(arms),
        (error) =>
          error instanceof ConfigError && error.code === 'config_invalid' && message.test(error.message),
      )
    }
  })
})
