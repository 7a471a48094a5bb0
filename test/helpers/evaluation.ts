/** An evaluation that any gate lets through, and easy to spoil. */
import type { EvaluationJson } from '../../eval/gate/index.ts'

const estimate = (value: number, halfWidth: number) => ({
  value,
  lo: value - halfWidth,
  hi: value + halfWidth,
})

export function evaluationJson(change: Partial<EvaluationJson> = {}): EvaluationJson {
  return {
    target: 'thompson',
    logged: { n: 10_000, from: '2026-03-01T00:00:00.000Z', to: '2026-03-09T00:00:00.000Z' },
    refused: false,
    reasons: [],
    estimates: { dr: estimate(0.7, 0.01), snips: estimate(0.7, 0.015) },
    objective: 'utility',
    values: {
      utility: {
        target: estimate(0.7, 0.01),
        logged: estimate(0.65, 0.01),
        difference: estimate(0.05, 0.02),
      },
      quality: {
        target: estimate(0.8, 0.01),
        logged: estimate(0.79, 0.01),
        difference: estimate(0.01, 0.005),
      },
      success: {
        target: estimate(0.99, 0.001),
        logged: estimate(0.99, 0.001),
        difference: estimate(0, 0.001),
      },
    },
    diagnostics: { ess: 4_000, maxWeightShare: 0.001, meanWeightZ: 0.4 },
    ...change,
  }
}
