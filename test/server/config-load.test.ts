/** What a good configuration becomes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, it } from 'node:test'
import { findPrice } from '../../adapters/index.ts'
import { type ArmId, DEFAULT_CLASSES, DEFAULT_FLOOR, DEFAULT_PRIOR } from '../../engine/index.ts'
import { ConfigError, findConfigFile, loadRegistry, parseConfig } from '../../server/config/index.ts'
import type { RegisteredArm, Registry, VirtualModel } from '../../server/registry.ts'

const directory = mkdtempSync(join(tmpdir(), 'highwayman-config-'))
after(() => rmSync(directory, { recursive: true }))

const GOOD = `providers: { openai: { apiKey: k } }
arms:
  openai/gpt-5: { tags: [large] }
  openai/gpt-5-mini: { tags: [small] }
`

function parse(text: string, env: Readonly<Record<string, string>> = {}, dataDir?: string): Registry {
  return parseConfig(text, { file: join(directory, 'h.yaml'), env, dataDir })
}

function arm(registry: Registry, id: string): RegisteredArm {
  const found = registry.arms.get(id as ArmId)
  assert.ok(found, `no arm ${id}`)
  return found
}

function model(registry: Registry, name: string): VirtualModel {
  const found = registry.models.get(name)
  assert.ok(found, `no model ${name}`)
  return found
}

describe('features', () => {
  const good = 'providers:\n  openai: { apiKey: k }\narms:\n  openai/gpt-5-mini:\n'

  it('have no embedding unless there is one', () => {
    assert.equal(parse(good).embedding, undefined)
    assert.equal(parse(`${good}features:\n`).embedding, undefined)
  })

  it('know where an embedding is made, how long it is and how long to wait for it', () => {
    const text = `${good}features:\n  embedding: { provider: openai, model: text-embedding-3-small, dimensions: 1536 }\n`
    const { embedding, providers } = parse(text)
    assert.deepEqual(embedding, {
      provider: providers.get('openai'),
      model: 'text-embedding-3-small',
      dimensions: 1536,
      components: 16,
      timeoutMs: 150,
    })
  })
})

describe('defaults', () => {
  const registry = parse('providers:\n  openai:\narms:\n  openai/gpt-5-mini:\n')

  it('need no more than a provider and an arm', () => {
    assert.equal(registry.source, join(directory, 'h.yaml'))
    assert.deepEqual([...registry.models.keys()], ['auto', 'auto/fast', 'auto/cheap', 'auto/best'])
    assert.deepEqual(model(registry, 'auto'), {
      name: 'auto',
      arms: ['openai/gpt-5-mini'],
      policy: { name: 'thompson' },
      preferences: { kind: 'weights', quality: 1, cost: 0.1, latency: 0.05 },
      constraints: {},
      floor: DEFAULT_FLOOR,
      switchMargin: 0,
      explore: true,
    })
    assert.deepEqual(registry.classes, DEFAULT_CLASSES)
    assert.equal(registry.tenants.size, 0)
    assert.equal(registry.aliases.size, 0)
    assert.deepEqual(registry.store, {
      kind: 'embedded',
      dataDir: resolve('.highwayman'),
      writer: { flushEveryMs: 1_000, batchRowsMax: 20_000 },
      spool: { directory: resolve('.highwayman/spool'), maxBytes: 1024 ** 3 },
    })
    assert.deepEqual(registry.server, {
      host: '127.0.0.1',
      port: 8787,
      bodyLimitBytes: 16 * 1024 * 1024,
      maxInFlight: 1024,
      maxAttempts: 4,
      drainMs: 30_000,
    })
  })

  it('are the same for a model of the file and the model of no file', () => {
    assert.deepEqual(model(parse(`${GOOD}models:\n  auto:\n`), 'auto'), model(parse(GOOD), 'auto'))
  })

  it('fill an arm from the price table', () => {
    const row = findPrice('openai', 'gpt-5-mini')
    assert.ok(row)
    assert.deepEqual(arm(registry, 'openai/gpt-5-mini'), {
      provider: 'openai',
      upstreamModel: 'gpt-5-mini',
      priceSource: row,
      arm: {
        id: 'openai/gpt-5-mini',
        provider: 'openai',
        model: 'gpt-5-mini',
        price: { inputUsdPerMtok: 0.25, outputUsdPerMtok: 2, cachedInputUsdPerMtok: 0.025 },
        capabilities: row.capabilities,
        prior: DEFAULT_PRIOR,
        tags: [],
        contextWindowTokens: 400_000,
        maxOutputTokens: 128_000,
      },
    })
  })
})

describe('providers', () => {
  it('well-known ones bring address, dialect and what they deviate in', () => {
    const { providers } = parse(
      'providers:\n  anthropic:\n  google:\n  groq: { quirks: { developerRole: system } }\narms: { anthropic/claude-opus-5: }\n',
    )
    assert.equal(providers.get('anthropic')?.dialect, 'anthropic')
    assert.equal(providers.get('anthropic')?.baseUrl, 'https://api.anthropic.com')
    assert.equal(providers.get('google')?.dialect, 'google')
    assert.deepEqual(providers.get('groq')?.quirks, {
      maxTokensField: 'max_completion_tokens',
      dropFields: ['logprobs', 'top_logprobs', 'logit_bias'],
      developerRole: 'system',
    })
  })

  it('take their key from the usual variable, unless it is given', () => {
    const env = { OPENAI_API_KEY: 'usual', MINE: 'mine', GOOGLE_API_KEY: 'g' }
    const { providers } = parse(
      `providers:
  openai:
  google:
  mistral:
  two: { type: openai, apiKey: "\${MINE}" }
arms: { openai/gpt-5: }
`,
      env,
    )
    assert.equal(providers.get('openai')?.apiKey, 'usual')
    assert.equal(providers.get('google')?.apiKey, 'g')
    assert.equal(providers.get('mistral')?.apiKey, undefined)
    assert.equal(providers.get('two')?.apiKey, 'mine')
    assert.equal(providers.get('two')?.baseUrl, 'https://api.openai.com/v1')
  })

  it('can be any upstream', () => {
    const { providers } = parse(`providers:
  house:
    type: openai-compatible
    baseUrl: http://10.0.0.7:8000/v1/
    headers: { x-team: a }
    deadlines: { firstByteMs: 60000 }
    connections: 8
arms:
  house/m: { price: { inputUsdPerMtok: 0, outputUsdPerMtok: 0 } }
`)
    assert.deepEqual(providers.get('house'), {
      name: 'house',
      dialect: 'openai-compatible',
      baseUrl: 'http://10.0.0.7:8000/v1',
      apiKey: undefined,
      headers: { 'x-team': 'a' },
      deadlines: { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 300_000 },
      connections: 8,
    })
  })
})

describe('arms', () => {
  it('keep slashes in the model, and may be called otherwise upstream', () => {
    const registry = parse(
      'providers: { groq: , openai: }\narms: { groq/openai/gpt-oss-20b: , openai/eu: { model: gpt-5 } }\n',
    )
    assert.equal(arm(registry, 'groq/openai/gpt-oss-20b').upstreamModel, 'openai/gpt-oss-20b')
    assert.equal(arm(registry, 'groq/openai/gpt-oss-20b').provider, 'groq')
    assert.equal(arm(registry, 'openai/eu').upstreamModel, 'gpt-5')
    assert.equal(arm(registry, 'openai/eu').arm.price.inputUsdPerMtok, 1.25)
  })

  it('find their price by the type of the provider, not by its name', () => {
    const registry = parse('providers: { account-two: { type: openai } }\narms: { account-two/gpt-5: }\n')
    assert.equal(arm(registry, 'account-two/gpt-5').arm.price.outputUsdPerMtok, 10)
  })

  it('prefer what is written to the table', () => {
    const registry = parse(`providers: { openai: }
arms:
  openai/gpt-5:
    price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2, cacheWriteUsdPerMtok: 3 }
    contextWindowTokens: 1000
    maxOutputTokens: 100
    capabilities: [streaming]
    region: eu
    tags: [a, b]
    prior: { quality: 0.9, ttftMs: 200 }
`)
    const { arm: built, priceSource } = arm(registry, 'openai/gpt-5')
    assert.equal(priceSource, 'config')
    assert.deepEqual(built, {
      id: 'openai/gpt-5',
      provider: 'openai',
      model: 'gpt-5',
      price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2, cacheWriteUsdPerMtok: 3 },
      contextWindowTokens: 1000,
      maxOutputTokens: 100,
      capabilities: ['streaming'],
      region: 'eu',
      tags: ['a', 'b'],
      prior: { ...DEFAULT_PRIOR, quality: 0.9, ttftMs: 200 },
    })
  })

  it("on one's own machines are free", () => {
    const own = arm(parse('providers: { ollama: }\narms: { ollama/llama3: }\n'), 'ollama/llama3')
    assert.deepEqual(own.arm.price, { inputUsdPerMtok: 0, outputUsdPerMtok: 0 })
    assert.equal(own.priceSource, 'self-hosted')
    assert.deepEqual(own.arm.capabilities, ['streaming'])
  })
})

describe('virtual models', () => {
  it('have arms by id, by tag, by both, or all', () => {
    const registry = parse(`${GOOD}models:
  all:
  ids: { arms: [openai/gpt-5-mini, openai/gpt-5] }
  tags: { tags: [small] }
  both: { tags: [large, small], arms: [openai/gpt-5-mini] }
`)
    assert.deepEqual(model(registry, 'all').arms, ['openai/gpt-5', 'openai/gpt-5-mini'])
    assert.deepEqual(model(registry, 'ids').arms, ['openai/gpt-5-mini', 'openai/gpt-5'])
    assert.deepEqual(model(registry, 'tags').arms, ['openai/gpt-5-mini'])
    assert.deepEqual(model(registry, 'both').arms, ['openai/gpt-5-mini', 'openai/gpt-5'])
  })

  it('take every policy, in place, in short and by name', () => {
    const registry = parse(`${GOOD}policies:
  mine: { name: epsilon-greedy, epsilon: 0.3 }
  canary: { name: weighted, weights: { openai/gpt-5: 1, openai/gpt-5-mini: 9 } }
models:
  short: { policy: epsilon-greedy }
  named: { policy: mine }
  named-map: { policy: { name: canary } }
  fixed: { policy: { name: fixed, arm: openai/gpt-5 } }
  priority: { policy: { name: priority, order: [openai/gpt-5-mini, openai/gpt-5] } }
`)
    assert.deepEqual(
      [...registry.models.values()].map(({ name, policy, floor }) => ({ name, policy, floor })),
      [
        { name: 'short', policy: { name: 'epsilon-greedy', epsilon: 0.1 }, floor: DEFAULT_FLOOR },
        { name: 'named', policy: { name: 'epsilon-greedy', epsilon: 0.3 }, floor: DEFAULT_FLOOR },
        {
          name: 'named-map',
          policy: { name: 'weighted', weights: { 'openai/gpt-5': 1, 'openai/gpt-5-mini': 9 } },
          floor: 0,
        },
        { name: 'fixed', policy: { name: 'fixed', arm: 'openai/gpt-5' }, floor: 0 },
        {
          name: 'priority',
          policy: { name: 'priority', order: ['openai/gpt-5-mini', 'openai/gpt-5'] },
          floor: 0,
        },
      ],
    )
  })

  it('keep a floor that is written, whatever the policy', () => {
    const registry = parse(
      `${GOOD}models: { m: { floor: 0.1, policy: { name: fixed, arm: openai/gpt-5 } } }\n`,
    )
    assert.equal(model(registry, 'm').floor, 0.1)
  })

  it('take exchange rates or weights, and constraints', () => {
    const registry = parse(`${GOOD}models:
  rates: { preferences: { usdPerQualityPoint: 0.001 }, explore: false }
  weights:
    preferences: { quality: 2, cost: 1 }
    constraints: { maxCostUsd: 0.1, maxLatencyMs: 5000, regions: [eu], capabilities: [tools] }
`)
    assert.deepEqual(model(registry, 'rates').preferences, {
      kind: 'exchange-rates',
      usdPerQualityPoint: 0.001,
    })
    assert.equal(model(registry, 'rates').explore, false)
    assert.deepEqual(model(registry, 'weights').preferences, {
      kind: 'weights',
      quality: 2,
      cost: 1,
      latency: 0,
    })
    assert.deepEqual(model(registry, 'weights').constraints, {
      maxCostUsd: 0.1,
      maxLatencyMs: 5000,
      regions: ['eu'],
      capabilities: ['tools'],
    })
  })

  it('have aliases, and aliases of aliases', () => {
    const { aliases } = parse(`${GOOD}aliases: { a: b, b: auto/best, big: openai/gpt-5 }\n`)
    assert.deepEqual(Object.fromEntries(aliases), { a: 'auto/best', b: 'auto/best', big: 'openai/gpt-5' })
  })
})

describe('tenants', () => {
  const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')

  it('keep the hash of a key, never the key', () => {
    const hash = sha256('second')
    const registry = parse(
      `${GOOD}tenants:\n  t:\n    keys: ["\${KEY}", "sha256:${hash.toUpperCase()}"]\n    allow: [small]\n    deny: [openai/gpt-5]\n`,
      { KEY: 'first' },
    )
    assert.deepEqual(registry.tenants.get('t'), {
      name: 't',
      keySha256: [sha256('first'), hash],
      preferences: undefined,
      constraints: {},
      allow: ['small'],
      deny: ['openai/gpt-5'],
    })
  })

  it('may take a hash from a variable too', () => {
    const { tenants } = parse(`${GOOD}tenants: { t: { keys: ["\${KEY}"] } }\n`, {
      KEY: `sha256:${sha256('x')}`,
    })
    assert.deepEqual(tenants.get('t')?.keySha256, [sha256('x')])
  })
})

describe('variables', () => {
  it('become numbers and truth values where those are needed', () => {
    const registry = parse(
      `${GOOD}server: { port: "\${PORT}", drainMs: "\${DRAIN:-5}" }\nmodels: { m: { explore: "\${EXPLORE}" } }\n`,
      { PORT: '9000', EXPLORE: 'false' },
    )
    assert.equal(registry.server.port, 9000)
    assert.equal(registry.server.drainMs, 5)
    assert.equal(model(registry, 'm').explore, false)
  })

  it('stay text where text is needed, and are filled in once', () => {
    const { providers } = parse(
      `providers: { openai: { apiKey: "a-\${KEY}-$\${KEY}" } }\narms: { openai/gpt-5: }\n`,
      { KEY: `12\${PATH}`, PATH: 'never' },
    )
    assert.equal(providers.get('openai')?.apiKey, `a-12\${PATH}-\${KEY}`)
  })

  it('cannot bring structure in', () => {
    const { server } = parse(`${GOOD}server:\n  host: \${HOST}\n`, { HOST: 'h\n  port: 1' })
    assert.equal(server.host, 'h\n  port: 1')
    assert.equal(server.port, 8787)
  })
})

describe('YAML', () => {
  it('anchors repeat a part', () => {
    const registry = parse(`${GOOD}models:
  a: &a { tags: [small], floor: 0.5 }
  b: *a
`)
    assert.deepEqual({ ...model(registry, 'b'), name: 'a' }, model(registry, 'a'))
  })

  it('sections with nothing in them are no sections', () => {
    const empty = 'models:\naliases:\npolicies:\ntenants:\nstore:\nserver:\n'
    assert.deepEqual(parse(GOOD + empty), parse(GOOD))
  })
})

describe('loadRegistry', () => {
  const codeOf = (path: string) => {
    try {
      loadRegistry({ path, env: {} })
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      assert.ok(error.message.includes(path))
      assert.deepEqual(error.problems, [])
      return error.code
    }
    return undefined
  }

  it('reads a file', () => {
    const path = join(directory, 'highwayman.yaml')
    assert.equal(findConfigFile(directory), undefined)
    writeFileSync(path, GOOD)
    assert.equal(findConfigFile(directory), path)
    assert.equal(loadRegistry({ path, env: {} })?.arms.size, 2)
  })

  it('says when there is none, or it is not a file', () => {
    assert.equal(codeOf(join(directory, 'absent.yaml')), 'config_not_found')
    assert.equal(codeOf(directory), 'config_unreadable')
  })

  it('without a file asks the environment', () => {
    assert.equal(loadRegistry({ env: { GROQ_API_KEY: 'k' } })?.source, 'environment')
    assert.equal(loadRegistry({ env: {} }), undefined)
  })
})
