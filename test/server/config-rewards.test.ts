/** The sections about rewards → what the server judges by. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig, type Registry } from '../../server/index.ts'
import { GOOD } from './config-mistakes.ts'

function registryOf(text: string, env: Readonly<Record<string, string>> = {}): Registry {
  return parseConfig(GOOD + text, { file: 'h.yaml', env })
}

describe('metrics', () => {
  it('are none unless one is declared', () => {
    const { metrics, signals, judges } = registryOf('')
    assert.deepEqual([metrics, signals, judges], [undefined, undefined, undefined])
  })

  it('have a scale, a weight, a window and a default', () => {
    const { metrics } = registryOf(`metrics:
  thumbs: { type: boolean, qualityWeight: 2 }
  edits: { type: float, min: 0, max: 200, optimize: min }
  verdict: { type: categorical, values: { good: 1, bad: 0 } }
  bought: { type: boolean, windowHours: 0.5, default: false, defaultSource: outcome }
  quality: { type: float, min: 0, max: 10 }
`)
    assert.deepEqual(
      [...metrics!.values()],
      [
        {
          name: 'thumbs',
          scale: { kind: 'boolean', optimize: 'max' },
          qualityWeight: 2,
          windowMs: undefined,
          byDefault: undefined,
        },
        {
          name: 'edits',
          scale: { kind: 'float', min: 0, max: 200, optimize: 'min' },
          qualityWeight: 0,
          windowMs: undefined,
          byDefault: undefined,
        },
        {
          name: 'verdict',
          scale: {
            kind: 'categorical',
            labels: ['good', 'bad'],
            worths: new Map([
              ['good', 1],
              ['bad', 0],
            ]),
          },
          qualityWeight: 0,
          windowMs: undefined,
          byDefault: undefined,
        },
        {
          name: 'bought',
          scale: { kind: 'boolean', optimize: 'max' },
          qualityWeight: 0,
          windowMs: 1_800_000,
          byDefault: { value: false, source: 'outcome' },
        },
        {
          name: 'quality',
          scale: { kind: 'float', min: 0, max: 10, optimize: 'max' },
          qualityWeight: 1,
          windowMs: undefined,
          byDefault: undefined,
        },
      ],
    )
  })
})

describe('signals', () => {
  it('are on when they are named, in any of the short forms', () => {
    const { signals } = registryOf(
      'signals: { empty: true, refused: , truncated: 0.25, invalidJson: { worth: 0.1 }, tryAgain: false }\n',
    )
    assert.deepEqual(
      [...signals!.worths],
      [
        ['empty', 0],
        ['refused', 0.2],
        ['truncated', 0.25],
        ['invalidJson', 0.1],
      ],
    )
    assert.deepEqual([signals?.metric.name, signals?.share, signals?.passedWorth], ['quality', 0.1, 0.8])
  })

  it('all off are no signals', () => {
    assert.equal(registryOf('signals: { share: 1, empty: false }\n').signals, undefined)
  })

  it('may be switched by a variable', () => {
    const { signals } = registryOf(`signals: { empty: "\${ON}", refused: "\${OFF}" }\n`, {
      ON: 'true',
      OFF: 'false',
    })
    assert.deepEqual([...signals!.worths.keys()], ['empty'])
  })
})

describe('judges', () => {
  it('are arms, models or aliases with a rubric, and modest by default', () => {
    const { judges } = registryOf('judges: { j: { model: auto, rubric: Be fair. } }\n')
    assert.deepEqual(
      judges?.map(({ metric, ...judge }) => ({ ...judge, metric: metric.name })),
      [
        {
          name: 'j',
          model: 'auto',
          rubric: 'Be fair.',
          metric: 'quality',
          share: 0.02,
          models: undefined,
          maxUsdPerDay: 1,
          maxConcurrent: 2,
          ownAnswers: 'skip',
        },
      ],
    )
  })

  it('are named by doctor, with what they read', async () => {
    const { explainRegistry, explanationLines } = await import('../../server/index.ts')
    const lines = explanationLines(
      explainRegistry(
        registryOf(
          'metrics: { m: { type: boolean } }\nsignals: { empty: true }\njudges: { j: { model: auto, rubric: r } }\n',
        ),
      ),
    )
    for (const line of [
      'metric         m  boolean, no part of quality',
      'signals        empty',
      'judge          j  auto reads 2 % of prompts and answers, at most 1 USD a day',
    ]) {
      assert.ok(lines.includes(line), line)
    }
  })
})
