/** The promotion gate: one evaluation that passes, and each way in which it would not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EvaluationError } from '../../eval/errors.ts'
import {
  DEFAULT_GATE_RULES,
  type EvaluationJson,
  type GateQuestion,
  type GateRules,
  judgePromotion,
  readEvaluation,
  type ValueName,
} from '../../eval/gate/index.ts'
import { evaluationJson } from '../helpers/evaluation.ts'

const HASH = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)
const NOW = Date.parse('2026-03-10T00:00:00Z')
const DAY_MS = 86_400_000

function question(
  evaluation: Partial<EvaluationJson> = {},
  change: Partial<NonNullable<GateQuestion['evaluation']>> = {},
  incumbent: GateQuestion['incumbent'] = { name: 'configured', sinceMs: undefined },
): GateQuestion {
  return {
    policyHash: HASH,
    evaluation: {
      atMs: NOW - DAY_MS,
      targetHash: HASH,
      against: 'logged',
      evaluation: evaluationJson({ targetHash: HASH, ...evaluation }),
      ...change,
    },
    incumbent,
    nowMs: NOW,
  }
}

const codes = (asked: GateQuestion, rules: Partial<GateRules> = {}): readonly string[] => {
  const { allowed, reasons } = judgePromotion(asked, { ...DEFAULT_GATE_RULES, ...rules })
  assert.equal(allowed, reasons.length === 0)
  return reasons.map(({ code }) => code)
}

const differing = (name: ValueName, lo: number, hi: number): Partial<EvaluationJson> => {
  const { values } = evaluationJson()
  const middle = { value: (lo + hi) / 2, lo, hi }
  const logged = { value: 2, lo: 1.9, hi: 2.1 }
  return { values: { ...values, [name]: { target: logged, logged, difference: middle } } }
}

describe('the gate', () => {
  test('lets through what is shown to be better, and nothing without an evaluation', () => {
    assert.deepEqual(codes(question()), [])
    assert.deepEqual(codes({ ...question(), evaluation: undefined }), ['no_evaluation'])
  })

  test('asks for the lower bound, not for the mean', () => {
    assert.deepEqual(codes(question(differing('utility', -0.001, 0.2))), ['not_better'])
    assert.deepEqual(codes(question(differing('utility', 0, 0.2))), ['not_better'], '0 is not better')
    assert.deepEqual(codes(question(differing('utility', 1e-9, 0.2))), [])
    assert.deepEqual(codes(question(differing('utility', Number.NaN, 0.2))), ['not_better'])
    const { utility: _, ...values } = evaluationJson().values
    assert.deepEqual(codes(question({ values })), ['objective_missing'])
  })

  test('of cost and latency less is better', () => {
    const cheap = question(differing('cost_usd', -0.2, -0.1))
    assert.deepEqual(codes(cheap, { objective: 'cost_usd' }), [])
    const dear = question(differing('cost_usd', -0.2, 0.1))
    assert.deepEqual(codes(dear, { objective: 'cost_usd' }), ['not_better'])
  })

  test('guardrails hold at the worse end of the interval, in units or as a share of the log’s', () => {
    const slower = question(differing('latency_ms', -50, 120))
    const limit = (worseBy: number) => ({ guardrails: [{ value: 'latency_ms' as const, worseBy }] })
    assert.deepEqual(codes(slower, limit(120)), [])
    assert.deepEqual(codes(slower, limit(119)), ['guardrail_broken'])
    const worse = question(differing('quality', -0.3, 0.1))
    const share = (worseByShare: number) => ({ guardrails: [{ value: 'quality' as const, worseByShare }] })
    // The log had 2 of it.
    assert.deepEqual(codes(worse, share(0.151)), [])
    assert.deepEqual(codes(worse, share(0.149)), ['guardrail_broken'])
    const unknown = question(differing('quality', Number.NEGATIVE_INFINITY, 0.1))
    assert.deepEqual(codes(unknown, share(10)), ['guardrail_broken'])
    const { success: _, ...values } = evaluationJson().values
    assert.deepEqual(codes(question({ values })), ['guardrail_missing'])
  })

  test('tells a refused, an old, a foreign evaluation and weights that cannot be relied on', () => {
    const refused = { refused: true, reasons: [{ code: 'ess', message: 'too few' }] }
    assert.deepEqual(codes(question(refused)), ['evaluation_refused'])
    assert.deepEqual(codes(question({}, { atMs: NOW - 7 * DAY_MS })), [])
    assert.deepEqual(codes(question({}, { atMs: NOW - 7 * DAY_MS - 1 })), ['evaluation_too_old'])
    assert.deepEqual(codes(question({}, { targetHash: OTHER })), ['other_policy'])
    assert.deepEqual(codes(question({ targetHash: OTHER })), ['other_policy'])
    const weights = (change: object) =>
      question({ diagnostics: { ...evaluationJson().diagnostics, ...change } })
    assert.deepEqual(codes(weights({ ess: 199 })), ['too_few_effective_samples'])
    assert.deepEqual(codes(weights({ ess: Number.NaN })), ['too_few_effective_samples'])
    assert.deepEqual(codes(weights({ ess: 400 }), { minEssShare: 0.1 }), ['too_few_effective_samples'])
    assert.deepEqual(codes(weights({ meanWeightZ: -3.1 })), ['weights_do_not_average_one'])
    assert.deepEqual(codes(weights({ meanWeightZ: Number.NaN })), ['weights_do_not_average_one'])
  })

  test('compares with what serves now', () => {
    const sinceMs = Date.parse('2026-03-05T00:00:00Z')
    const incumbent = { name: OTHER, sinceMs }
    assert.deepEqual(codes(question({}, { against: OTHER }, incumbent)), [])
    assert.deepEqual(codes(question({}, { against: 'configured' }, incumbent)), ['other_incumbent'])
    const logged = (from: string) => ({ logged: { n: 10_000, from, to: '2026-03-09T00:00:00Z' } })
    assert.deepEqual(codes(question(logged('2026-03-05T00:00:00Z'), {}, incumbent)), [])
    assert.deepEqual(codes(question(logged('2026-03-04T23:59:59Z'), {}, incumbent)), ['other_incumbent'])
  })

  test('gives every reason at once', () => {
    const all = question(
      { refused: true, diagnostics: { ess: 1, maxWeightShare: 1, meanWeightZ: 9 }, values: {} },
      { atMs: 0, against: OTHER, targetHash: OTHER },
    )
    assert.deepEqual(codes(all), [
      'other_policy',
      'evaluation_refused',
      'evaluation_too_old',
      'other_incumbent',
      'too_few_effective_samples',
      'weights_do_not_average_one',
      'objective_missing',
      'guardrail_missing',
    ])
  })

  test('is monotone: what passes still passes with a higher bound, and under wider guardrails', () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        number,
        number,
        number,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (lo, raise, worse, slack) => {
          const rules = { guardrails: [{ value: 'quality' as const, worseBy: slack }] }
          const { values } = evaluationJson(differing('quality', worse, 2))
          const at = (bound: number) => {
            const utility = { ...values.utility!, difference: { value: 2, lo: bound, hi: 3 } }
            return codes(question({ values: { ...values, utility } }), rules)
          }
          if (at(lo).length > 0) return
          assert.deepEqual(at(lo + Math.abs(raise)), [])
          assert.deepEqual(
            codes(question(differing('quality', worse, 2)), {
              guardrails: [{ value: 'quality', worseBy: slack + Math.abs(raise) }],
            }),
            [],
          )
        },
      ),
      { numRuns: 300, seed: 11 },
    )
  })
})

describe('an evaluation that is read', () => {
  test('comes back from JSON as it was; what JSON cannot write is unknown', () => {
    const whole = evaluationJson({ targetHash: HASH })
    assert.deepEqual(readEvaluation(JSON.parse(JSON.stringify(whole))), whole)
    const open = {
      ...whole,
      estimates: { dr: { value: Number.NaN, lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY } },
    }
    assert.deepEqual(readEvaluation(JSON.parse(JSON.stringify(open))), open)
  })

  test('names what is wrong', () => {
    const whole = evaluationJson()
    for (const [change, path] of [
      [{ refused: 'no' }, 'refused'],
      [{ logged: { n: 1, from: 'yesterday', to: '2026-01-01' } }, 'logged.from'],
      [{ objective: 'beauty' }, 'objective'],
      [{ values: { beauty: {} } }, 'values'],
      [{ values: { quality: { target: 1 } } }, 'values.quality.target'],
      [{ reasons: [{ code: 1 }] }, 'reasons[0].code'],
      [{ diagnostics: { ess: '9' } }, 'diagnostics.ess'],
      [{ estimates: [] }, 'estimates'],
    ] as const) {
      assert.throws(
        () => readEvaluation({ ...whole, ...change }),
        (error) =>
          error instanceof EvaluationError &&
          error.code === 'eval_bad_evaluation' &&
          error.message.startsWith(`evaluation: ${path} `),
        path,
      )
    }
  })
})
