/** The example file and the reference page keep up with the schema. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { explainRegistry, loadRegistry } from '../../server/config/index.ts'
import { configSchema } from '../../server/config/schema.ts'
import { listSettings } from '../../server/config/schema-keys.ts'
import { REFERENCE_FILE, withReference } from '../helpers/build-config-reference.ts'

const path = resolve(import.meta.dirname, '../../highwayman.example.yaml')
const env = {
  OPENAI_API_KEY: 'dummy-1',
  ANTHROPIC_API_KEY: 'dummy-2',
  OPENAI_EU_API_KEY: 'dummy-3',
  HOUSE_KEY: 'dummy-4',
  STOREFRONT_KEY: 'dummy-5',
}

describe('highwayman.example.yaml', () => {
  it('loads', () => {
    const registry = loadRegistry({ path, env })
    assert.ok(registry)
    assert.deepEqual(
      {
        providers: registry.providers.size,
        arms: registry.arms.size,
        models: [...registry.models.keys()],
        policies: [...new Set([...registry.models.values()].map(({ policy }) => policy.name))].sort(),
        tenants: registry.tenants.size,
        warnings: explainRegistry(registry).warnings.map(({ code }) => code),
      },
      {
        providers: 5,
        arms: 8,
        models: [
          'auto',
          'support-bot',
          'european',
          'frugal',
          'classic',
          'safe',
          'rollout',
          'pinned',
          'best-known',
        ],
        policies: ['epsilon-greedy', 'fixed', 'priority', 'thompson', 'weighted'],
        tenants: 2,
        warnings: ['arm_free'],
      },
    )
  })

  it('has every key, if only in a comment', () => {
    const text = readFileSync(path, 'utf8')
    const keys = listSettings(configSchema).map((setting) => setting.path.split('.').at(-1) ?? '')
    const absent = [...new Set(keys)].filter((key) => !new RegExp(`[\\s{]${key}:`).test(text))
    assert.deepEqual(absent, [])
  })
})

describe('docs/configuration.md', () => {
  it('has the table of the schema; to renew it: node test/helpers/build-config-reference.ts', () => {
    const text = readFileSync(REFERENCE_FILE, 'utf8')
    assert.equal(text, withReference(text))
  })

  it('lists every key', () => {
    const text = readFileSync(REFERENCE_FILE, 'utf8')
    const settings = listSettings(configSchema)
    assert.ok(settings.length > 80, `${settings.length} keys`)
    for (const setting of settings) assert.ok(text.includes(`| \`${setting.path}\` |`), setting.path)
  })
})
