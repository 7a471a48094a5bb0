/** JSON from a simulated arm, and simulated arms as judges of simulated answers. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { DIALECTS, type Provider } from '../../../adapters/index.ts'
import { createProvider } from '../../../adapters/serving.ts'
import { openDataset, type Simulator, startSimulator } from '../../../datasets/index.ts'
import { JsonChecker } from '../../../server/rewards/json-checker.ts'

const SCHEMA = {
  type: 'object',
  properties: { reasoning: { type: 'string' }, verdict: { type: 'integer', minimum: 0, maximum: 10 } },
  required: ['reasoning', 'verdict'],
  additionalProperties: false,
} as const

let simulator: Simulator
const providers = new Map<string, Provider>()
const checker = new JsonChecker()
before(async () => {
  simulator = await startSimulator({ dataset: await openDataset('crossroads'), latency: false })
  for (const { dialect, baseUrl } of simulator.arms) {
    if (providers.has(dialect)) continue
    providers.set(dialect, createProvider({ name: `sim-${dialect}`, dialect, baseUrl, apiKey: 'any' }))
  }
})
after(async () => {
  await Promise.all([...providers.values()].map((provider) => provider.close()))
  await simulator.close()
  await checker.close()
})

async function ask(dialect: string, content: string, response_format: object, max = 500): Promise<string> {
  const arm = simulator.arms.find((each) => each.dialect === dialect)!
  const { response } = await providers.get(dialect)!.chat({
    model: arm.upstreamModel,
    request: {
      messages: [{ role: 'user', content }],
      response_format: response_format as never,
      max_completion_tokens: max,
    },
    signal: new AbortController().signal,
  })
  return response.choices[0]?.message.content ?? ''
}
const schemaFormat = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'x', schema } })
const quoting = (quality: number) =>
  `<conversation>user: hi</conversation>\n<answer>A simulated answer.\n[simulated: prompt=p arm=a/b quality=${quality}]</answer>`

for (const dialect of DIALECTS) {
  suite(dialect, () => {
    test('gives a judgement that follows what the answer tells of itself, and says what it is', async () => {
      for (const [quality, low, high] of [
        [0, 0, 4],
        [1, 6, 10],
      ] as const) {
        const text = await ask(dialect, quoting(quality), schemaFormat(SCHEMA))
        assert.equal(await checker.check(SCHEMA, text), 'valid', text)
        const { verdict, reasoning } = JSON.parse(text) as { verdict: number; reasoning: string }
        assert.ok(verdict >= low && verdict <= high, `${verdict} for ${quality}`)
        assert.match(reasoning, /^A simulated judgement: no model read this/)
      }
    })

    test('of an answer that tells nothing says that the verdict is chance', async () => {
      const text = await ask(dialect, 'How good is this answer: 42?', schemaFormat(SCHEMA))
      assert.match((JSON.parse(text) as { reasoning: string }).reasoning, /drawn by chance/)
    })

    test('gives truth values and labels where the schema has those', async () => {
      const schemaOf = (verdict: object) => ({
        type: 'object',
        properties: { verdict },
        required: ['verdict'],
      })
      for (const [verdict, good, bad] of [
        [{ type: 'boolean' }, true, false],
        [{ type: 'string', enum: ['good', 'poor', 'bad'] }, 'good', 'bad'],
      ] as const) {
        for (const [quality, expected] of [
          [1, good],
          [0, bad],
        ] as const) {
          const text = await ask(dialect, quoting(quality), schemaFormat(schemaOf(verdict)))
          assert.equal((JSON.parse(text) as { verdict: unknown }).verdict, expected)
        }
      }
    })

    test('gives JSON of any other schema', async () => {
      const schema = {
        type: 'object',
        properties: { summary: { type: 'string' }, days: { type: 'integer', minimum: 3, maximum: 5 } },
        required: ['summary', 'days'],
      }
      const text = await ask(dialect, 'Plan a trip.', schemaFormat(schema))
      assert.equal(await checker.check(schema, text), 'valid', text)
      assert.match(text, /simulated/)
    })

    test('cut short is not whole', async () => {
      const text = await ask(dialect, quoting(1), schemaFormat(SCHEMA), 5)
      assert.throws(() => JSON.parse(text))
    })
  })
}

test('JSON without a schema is an object', async () => {
  const text = await ask('openai-compatible', 'Name a river.', { type: 'json_object' })
  assert.deepEqual(Object.keys(JSON.parse(text) as object), ['answer'])
})
