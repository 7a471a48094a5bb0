/** Mistakes in what is wished for and started from, told like all others. */
import type { Mistake } from './config-mistakes.ts'

export const WISH_MISTAKES: readonly Mistake[] = [
  {
    title: 'an order and weights at once',
    text: 'models: { m: { ▶preferences: { quality: 1, thenBy: [cost] } } }\n',
    path: 'models.m.preferences',
    message: /not both/,
  },
  {
    title: 'an order without what comes next',
    text: 'models: { m: { ▶preferences: { withinQualityPoints: 1 } } }\n',
    path: 'models.m.preferences',
    message: /needs thenBy/,
  },
  {
    title: 'an order that names a good twice',
    text: 'models: { m: { ▶preferences: { thenBy: [cost, cost] } } }\n',
    path: 'models.m.preferences',
    message: /twice/,
  },
  {
    title: 'a quality floor set by an arm nobody declares',
    text: 'tenants: { t: { constraints: { qualityFloor: { arm: ▶openai/gpt-6, share: 0.9 } } } }\n',
    path: 'tenants.t.constraints.qualityFloor.arm',
    message: /^unknown arm "openai\/gpt-6"; did you mean/,
  },
  {
    title: 'a baseline nobody declares',
    text: 'models: { m: { conservative: { baseline: ▶openai/gpt-6, alpha: 0.1 } } }\n',
    path: 'models.m.conservative.baseline',
    message: /^unknown arm "openai\/gpt-6"/,
  },
  {
    title: 'a baseline outside the model',
    text: 'models: { m: { tags: [small], conservative: { baseline: ▶openai/gpt-5, alpha: 0.1 } } }\n',
    path: 'models.m.conservative.baseline',
    message: /not among the model's arms/,
  },
  {
    title: 'a policy file that is not there',
    text: 'coldStart:\n  file: ▶no-such-policy.json\n',
    path: 'coldStart.file',
    message: /^no-such-policy\.json: there is no such file; make one with highwayman fit$/,
  },
  {
    title: 'samples of no file',
    text: 'coldStart:\n  ▶effectiveSamples: 5\n',
    path: 'coldStart.effectiveSamples',
    message: /needs file/,
  },
  {
    title: 'an arm that starts from an unknown one',
    text: 'providers: { openai: { apiKey: k } }\narms:\n  openai/gpt-5: { priorFrom: ▶openai/gpt-4 }\n',
    good: false,
    path: 'arms.openai/gpt-5.priorFrom',
    message: /^unknown arm "openai\/gpt-4"/,
  },
  {
    title: 'an arm that starts from itself',
    text: 'providers: { openai: { apiKey: k } }\narms:\n  openai/gpt-5: { priorFrom: ▶openai/gpt-5 }\n',
    good: false,
    path: 'arms.openai/gpt-5.priorFrom',
    message: /from itself/,
  },
]
