/** The bundled price table, and the arithmetic of a bill. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { costUsd, findPrice, PRICE_ROWS, type Usage } from '../../adapters/index.ts'
import { CAPABILITIES, type Price } from '../../engine/index.ts'
import { buildPriceTable } from '../helpers/build-prices.ts'
import { type GenaiProvider, genaiPrice } from '../helpers/genai-prices.ts'
import { needsShared } from '../helpers/shared.ts'

const table = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../adapters/providers/prices.json'), 'utf8'),
)

const usage = (tokens: Partial<Usage>): Usage => ({
  promptTokens: undefined,
  completionTokens: undefined,
  cachedTokens: undefined,
  cacheWriteTokens: undefined,
  reasoningTokens: undefined,
  costUsd: undefined,
  ...tokens,
})

describe('the price table', () => {
  it(
    'is what the registries say; to renew it: node test/helpers/build-prices.ts',
    needsShared('data/prices'),
    () => {
      assert.deepEqual(table, buildPriceTable())
    },
  )

  it('has 80 to 150 models of twelve providers, each once', () => {
    const names = PRICE_ROWS.map(({ provider, model }) => `${provider}/${model}`)
    assert.ok(names.length >= 80 && names.length <= 150, `${names.length} rows`)
    assert.equal(new Set(names).size, names.length)
    assert.equal(new Set(PRICE_ROWS.map(({ provider }) => provider)).size, 12)
  })

  it('has rows of the right shape, each with its source and date', () => {
    for (const row of PRICE_ROWS) {
      const title = `${row.provider}/${row.model}`
      const prices = [
        row.inputUsdPerMtok,
        row.outputUsdPerMtok,
        row.cachedInputUsdPerMtok,
        row.cacheWriteUsdPerMtok,
      ]
      for (const price of prices) assert.ok(price === undefined || (price >= 0 && price <= 1000), title)
      assert.ok(row.inputUsdPerMtok > 0 && row.outputUsdPerMtok > 0, title)
      assert.ok((row.cachedInputUsdPerMtok ?? 0) <= row.inputUsdPerMtok, `${title}: cached dearer than fresh`)
      for (const tokens of [row.contextWindowTokens, row.maxOutputTokens]) {
        assert.ok(tokens === undefined || (Number.isInteger(tokens) && tokens >= 1000), title)
      }
      assert.ok(
        row.capabilities.every((capability) => CAPABILITIES.includes(capability)),
        title,
      )
      assert.ok(Object.hasOwn(table.registries, row.source), title)
      assert.match(row.date, /^20\d\d-\d\d-\d\d$/)
      assert.ok(row.date <= table.asOf, `${title}: the price does not hold yet`)
    }
  })
})

describe('findPrice', () => {
  const money = (provider: string, model: string) => {
    const row = findPrice(provider, model)
    return row && [row.inputUsdPerMtok, row.outputUsdPerMtok, row.cachedInputUsdPerMtok]
  }

  it('finds a model by provider and exact name', () => {
    assert.deepEqual(money('openai', 'gpt-4o'), [2.5, 10, 1.25])
    assert.deepEqual(money('google', 'gemini-2.5-flash'), [0.3, 2.5, 0.03])
    assert.deepEqual(money('groq', 'openai/gpt-oss-120b'), [0.15, 0.6, 0.075])
    assert.deepEqual(money('cerebras', 'gpt-oss-120b'), [0.35, 0.75, undefined])
  })

  it('guesses nothing', () => {
    assert.equal(findPrice('openai', 'gpt-4o-2024-05-13'), undefined)
    assert.equal(findPrice('openai', 'GPT-4o'), undefined)
    assert.equal(findPrice('azure', 'gpt-4o'), undefined)
    assert.equal(findPrice('', ''), undefined)
  })

  it('has the price that holds since it was announced', () => {
    const row = findPrice('anthropic', 'claude-sonnet-5')
    assert.deepEqual([row?.inputUsdPerMtok, row?.outputUsdPerMtok], [3, 15])
    assert.deepEqual([row?.source, row?.date], ['genai-prices', '2026-09-01'])
  })

  it('says where another registry disagrees', () => {
    assert.deepEqual(findPrice('openai', 'gpt-5.6-luna')?.disputed, {
      source: 'genai-prices',
      inputUsdPerMtok: 1,
      outputUsdPerMtok: 6,
    })
    assert.equal(findPrice('openai', 'gpt-4o')?.disputed, undefined)
  })

  it('has the whole window of models whose prompt alone is limited', () => {
    assert.equal(findPrice('openai', 'gpt-5')?.contextWindowTokens, 400_000)
    assert.equal(findPrice('openai', 'gpt-4o')?.contextWindowTokens, 128_000)
  })
})

describe('costUsd', () => {
  const price: Price = {
    inputUsdPerMtok: 3,
    outputUsdPerMtok: 15,
    cachedInputUsdPerMtok: 0.3,
    cacheWriteUsdPerMtok: 3.75,
  }
  const near = (actual: number | undefined, expected: number) =>
    assert.ok(actual !== undefined && Math.abs(actual - expected) <= 1e-12, `${actual}, not ${expected}`)

  it('is tokens × price', () => {
    near(costUsd(usage({ promptTokens: 1000, completionTokens: 200 }), price), 0.003 + 0.003)
  })

  it('counts cached and written tokens at their own prices, out of the prompt', () => {
    const tokens = { promptTokens: 10_000, completionTokens: 0, cachedTokens: 6_000, cacheWriteTokens: 3_000 }
    near(costUsd(usage(tokens), price), (1_000 * 3 + 6_000 * 0.3 + 3_000 * 3.75) / 1e6)
    near(costUsd(usage(tokens), { inputUsdPerMtok: 3, outputUsdPerMtok: 15 }), (10_000 * 3) / 1e6)
  })

  it('does not count reasoning twice: it is in the completion', () => {
    near(costUsd(usage({ promptTokens: 0, completionTokens: 100, reasoningTokens: 90 }), price), 0.0015)
  })

  it('takes the whole prompt for cached where more is reported', () => {
    near(
      costUsd(
        usage({ promptTokens: 100, completionTokens: 0, cachedTokens: 900, cacheWriteTokens: 5 }),
        price,
      ),
      3e-5,
    )
  })

  it('believes the provider', () => {
    assert.equal(costUsd(usage({ promptTokens: 1e6, completionTokens: 1e6, costUsd: 0.5 }), price), 0.5)
    assert.equal(costUsd(usage({ costUsd: 0 }), price), 0)
  })

  it('is unknown, not 0, without counts', () => {
    assert.equal(costUsd(usage({}), price), undefined)
    assert.equal(costUsd(usage({ promptTokens: 5 }), price), undefined)
    assert.equal(costUsd(usage({ completionTokens: 5 }), price), undefined)
  })

  it('is never negative, grows with every count, and lies between all cached and all fresh', () => {
    const tokens = fc.nat(2_000_000)
    const anyPrice = fc.record({
      inputUsdPerMtok: fc.double({ min: 0.01, max: 100, noNaN: true }),
      outputUsdPerMtok: fc.double({ min: 0, max: 100, noNaN: true }),
      cachedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(tokens, tokens, tokens, anyPrice, (promptTokens, completionTokens, cachedTokens, given) => {
        const listed = { ...given, cachedInputUsdPerMtok: given.inputUsdPerMtok * given.cachedShare }
        const cost = (change: Partial<Usage>) =>
          costUsd(usage({ promptTokens, completionTokens, ...change }), listed) ?? Number.NaN
        const actual = cost({ cachedTokens })
        const slack = 1e-9 * (1 + actual)
        return (
          actual >= 0 &&
          actual <= cost({}) + slack &&
          actual >= cost({ cachedTokens: promptTokens }) - slack &&
          cost({ cachedTokens, completionTokens: completionTokens + 1 }) >= actual &&
          cost({ cachedTokens, promptTokens: promptTokens + 1 }) >= actual - slack
        )
      }),
      { seed: 1 },
    )
  })
})

describe('a registry with dated prices', () => {
  const provider: GenaiProvider = {
    id: 'p',
    models: [
      {
        id: 'night',
        match: { equals: 'night' },
        prices: [
          { prices: { input_mtok: 1, output_mtok: 1 } },
          { constraint: { start_time: '16:30:00Z' }, prices: { input_mtok: 2, output_mtok: 2 } },
        ],
      },
      {
        id: 'tiers',
        match: { or: [{ starts_with: 'tier' }, { ends_with: '-x' }] },
        prices: { input_mtok: { base: 3 }, output_mtok: 4, cache_read_mtok: 1 },
      },
      { id: 'free', match: { contains: 'free' }, prices: {} },
      {
        id: 'dated',
        match: { and: [{ regex: '^d' }, { contains: 'ted' }] },
        prices: [
          { prices: { input_mtok: 1, output_mtok: 2 } },
          { constraint: { start_date: '2026-09-01' }, prices: { input_mtok: 3, output_mtok: 4 } },
        ],
      },
    ],
  }
  const at = (model: string, day: string) => {
    const found = genaiPrice(provider, model, day)
    return found && [found.price.inputUsdPerMtok, found.price.outputUsdPerMtok, found.since]
  }

  it('gives the price of the day', () => {
    assert.deepEqual(at('dated', '2026-08-31'), [1, 2, undefined])
    assert.deepEqual(at('dated', '2026-09-01'), [3, 4, '2026-09-01'])
  })

  it('gives the base of tiers, and nothing for free, unknown and nightly prices', () => {
    assert.deepEqual(at('tier-1', '2026-01-01'), [3, 4, undefined])
    assert.deepEqual(at('a-x', '2026-01-01'), [3, 4, undefined])
    for (const model of ['for-free', 'unknown', 'night']) assert.equal(at(model, '2026-01-01'), undefined)
  })
})
