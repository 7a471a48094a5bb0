import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset, startSimulator } from '../../../datasets/index.ts'
import { randomStream } from '../../../datasets/random.ts'
import { sampleLatency } from '../../../datasets/simulator/latency.ts'
import { KEYS, send } from './client.ts'

const MODEL = { ttftMsP50: 400, ttftMsP95: 900, tpotMsP50: 12, tpotMsP95: 15 }

suite('sampling', () => {
  const n = 20_000
  const samples = Array.from({ length: n }, (_, i) =>
    sampleLatency(MODEL, randomStream(7, 'latency', 'arm', `prompt-${i}`)),
  )

  for (const [name, draws, p50, p95] of [
    ['time to first token', samples.map((sample) => sample.ttftMs), MODEL.ttftMsP50, MODEL.ttftMsP95],
    ['time per output token', samples.map((sample) => sample.tpotMs), MODEL.tpotMsP50, MODEL.tpotMsP95],
  ] as const) {
    test(`${name}: the share of draws below p50 and p95 is 0.50 and 0.95, within five standard errors`, () => {
      for (const [quantile, share] of [
        [p50, 0.5],
        [p95, 0.95],
      ] as const) {
        const below = draws.filter((ms) => ms <= quantile).length / n
        assert.ok(
          Math.abs(below - share) < 5 * Math.sqrt((share * (1 - share)) / n),
          `${below} of draws ≤ ${quantile}`,
        )
      }
    })

    test(`${name}: log-normal, so the logarithms are symmetric about the median's`, () => {
      const mean = draws.reduce((sum, ms) => sum + Math.log(ms), 0) / n
      const sigma = Math.log(p95 / p50) / 1.6448536269514722
      assert.ok(Math.abs(mean - Math.log(p50)) < (5 * sigma) / Math.sqrt(n))
    })
  }

  test('the two times are independent of each other', () => {
    const share = samples.filter((sample) => sample.ttftMs <= 400 === sample.tpotMs <= 12).length / n
    assert.ok(Math.abs(share - 0.5) < 5 * Math.sqrt(0.25 / n), `share ${share}`)
  })

  test('equal p50 and p95 leave nothing to chance', () => {
    const fixed = { ttftMsP50: 5, ttftMsP95: 5, tpotMsP50: 2, tpotMsP95: 2 }
    assert.deepEqual(sampleLatency(fixed, randomStream('any')), { ttftMs: 5, tpotMs: 2 })
  })
})

test('an answer at its pace is the answer at once: same body, same stream', async () => {
  const dataset = await openDataset('crossroads')
  const texts: string[][] = []
  for (const options of [{ latencyScale: 0 }, { latencyScale: 0.002 }, { latency: false }]) {
    const simulator = await startSimulator({ dataset, ...options })
    const arm = simulator.arms.find((candidate) => candidate.upstreamModel === 'turnpike-mini')!
    const ask = (stream: boolean) =>
      send(
        'POST',
        `${arm.baseUrl}/chat/completions`,
        { model: arm.upstreamModel, stream, messages: [{ role: 'user', content: 'Hi' }] },
        KEYS['openai-compatible'],
      )
    const answers = [await ask(false), await ask(true)]
    // The second of creation is the one thing that may differ.
    texts.push(answers.map((answer) => answer.text.replace(/"created":\d+/g, '')))
    await simulator.close()
  }
  assert.deepEqual(texts[1], texts[0])
  assert.deepEqual(texts[2], texts[0])
})

test('a client that leaves ends the stream, and the simulator closes at once', async () => {
  const simulator = await startSimulator({ dataset: await openDataset('crossroads'), latencyScale: 1_000 })
  const arm = simulator.arms.find((candidate) => candidate.dialect === 'anthropic')!
  const controller = new AbortController()
  const response = await fetch(`${arm.baseUrl}/v1/messages`, {
    method: 'POST',
    headers: { ...KEYS.anthropic, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: arm.upstreamModel,
      max_tokens: 10,
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
    signal: controller.signal,
  })
  // The opening comes before the first token, which is many minutes away.
  const { value } = await response.body!.getReader().read()
  assert.match(new TextDecoder().decode(value), /^event: message_start/)
  controller.abort()
  await simulator.close()
})
