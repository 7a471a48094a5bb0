/** Mistakes in what is wished for and started from, told like all others. */
import type { Mistake } from './config-mistakes.ts'

export const WISH_MISTAKES: readonly Mistake[] = [
  {
    title: 'sums that go before their observations',
    text: 'store: { retention: { observationsDays: 90, posteriorDays: ▶30 } }\n',
    path: 'store.retention.posteriorDays',
    message: /must not be less than observationsDays/,
  },
  {
    title: 'a pattern that looks behind itself',
    text: 'store: { prompts: { patterns: [{ name: x, regex: ▶"(a)\\\\1" }] } }\n',
    path: 'store.prompts.patterns[0].regex',
    message: /escape/,
  },
  {
    title: 'a pattern that finds nothing at all',
    text: 'store: { prompts: { patterns: [{ name: x, regex: ▶"a*" }] } }\n',
    path: 'store.prompts.patterns[0].regex',
    message: /without characters/,
  },
  {
    title: 'a kind of text nobody knows',
    text: 'store: { prompts: { redact: [▶emails] } }\n',
    path: 'store.prompts.redact[0]',
    message: /email/,
  },
  {
    title: 'a cluster of a directory',
    text: 'store: { ▶cluster: { name: crew } }\n',
    path: 'store.cluster',
    message: /needs url: a directory has no servers/,
  },
  {
    title: 'an admin key in clear text',
    text: 'admin: { keys: [▶secret] }\n',
    path: 'admin.keys[0]',
    message: /clear text/,
  },
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
    title: 'a weight that leaves the range of numbers',
    text: 'models: { m: { preferences: { quality: 1, cost: ▶1e200 } } }\n',
    path: 'models.m.preferences.cost',
    message: /1000000/,
  },
  {
    title: 'a weight of quality that is next to nothing',
    text: 'models: { m: { ▶preferences: { quality: 1e-300, cost: 1 } } }\n',
    path: 'models.m.preferences',
    message: /quality of at least/,
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
    message:
      /^no-such-policy\.json: there is no such file; make one with highwayman fit --dataset <name> --classes default --out no-such-policy\.json$/,
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
