/** Mistakes in what answers are judged by and by whom, told like all others. */
import type { Mistake } from './config-mistakes.ts'

const JUDGE = 'model: openai/gpt-5, rubric: r'

export const REWARD_MISTAKES: readonly Mistake[] = [
  {
    title: 'a rubric that says nothing',
    text: 'judges: { j: { model: auto, rubric: ▶"  " } }\n',
    path: 'judges.j.rubric',
    message: /must not be blank/,
  },
  {
    title: 'a metric without a type',
    text: 'metrics: { ▶m: { qualityWeight: 1 } }\n',
    path: 'metrics.m.type',
    message: /must be one of boolean, float, categorical, text/,
  },
  {
    title: 'a float without its range',
    text: 'metrics: { ▶m: { type: float, min: 1 } }\n',
    path: 'metrics.m',
    message: /needs min and max/,
  },
  {
    title: 'a range upside down',
    text: 'metrics: { ▶m: { type: float, min: 1, max: 1 } }\n',
    path: 'metrics.m',
    message: /min below max/,
  },
  {
    title: 'a range of a truth value',
    text: 'metrics: { m: { type: boolean, ▶min: 0 } }\n',
    path: 'metrics.m.min',
    message: /does not go with type boolean/,
  },
  {
    title: 'labels and values at once',
    text: 'metrics: { ▶m: { type: categorical, labels: [a], values: { a: 1 } } }\n',
    path: 'metrics.m',
    message: /not both/,
  },
  {
    title: 'a label worth more than all',
    text: 'metrics: { m: { type: categorical, values: { a: ▶2 } } }\n',
    path: 'metrics.m.values.a',
    message: /must be ≤ 1, got 2/,
  },
  {
    title: 'quality out of text',
    text: 'metrics: { m: { type: text, ▶qualityWeight: 1 } }\n',
    path: 'metrics.m.qualityWeight',
    message: /makes no quality/,
  },
  {
    title: 'quality out of labels',
    text: 'metrics: { m: { type: categorical, labels: [a], ▶qualityWeight: 1 } }\n',
    path: 'metrics.m.qualityWeight',
    message: /give values instead of labels/,
  },
  {
    title: 'quality declared as text',
    text: 'metrics: { ▶quality: { type: text } }\n',
    path: 'metrics.quality',
    message: /makes no quality/,
  },
  {
    title: 'a default without a window',
    text: 'metrics: { m: { type: boolean, ▶default: true } }\n',
    path: 'metrics.m.default',
    message: /needs windowHours/,
  },
  {
    title: 'a default outside the range',
    text: 'metrics: { m: { type: float, min: 1, max: 5, windowHours: 1, default: ▶9 } }\n',
    path: 'metrics.m.default',
    message: /must be a number in \[1, 5\]/,
  },
  {
    title: 'a source of no default',
    text: 'metrics: { m: { type: boolean, ▶defaultSource: outcome } }\n',
    path: 'metrics.m.defaultSource',
    message: /needs default/,
  },
  {
    title: 'signals about a metric nobody declares',
    text: 'metrics: { form: { type: boolean } }\nsignals: { metric: ▶fom, empty: true }\n',
    path: 'signals.metric',
    message: /unknown metric "fom".*did you mean "form"/,
  },
  {
    title: 'signals about labels',
    text: 'metrics: { m: { type: categorical, labels: [a] } }\nsignals: { metric: ▶m, empty: true }\n',
    path: 'signals.metric',
    message: /must be boolean or float/,
  },
  {
    title: 'a signal there is none of',
    text: 'signals: { ▶emtpy: true }\n',
    path: 'signals.emtpy',
    message: /unknown key "emtpy"; did you mean "empty"/,
  },
  {
    title: 'a signal worth more than all',
    text: 'signals: { ▶empty: 1.5 }\n',
    path: 'signals.empty.worth',
    message: /must be ≤ 1/,
  },
  {
    title: 'a judge that nobody can ask',
    text: 'judges: { j: { model: ▶openai/gpt-6, rubric: r } }\n',
    path: 'judges.j.model',
    message: /no arm, model or alias "openai\/gpt-6"; did you mean/,
  },
  {
    title: 'a judge without a rubric',
    text: 'judges: { ▶j: { model: openai/gpt-5 } }\n',
    path: 'judges.j.rubric',
    message: /missing; expected text/,
  },
  {
    title: 'a judge of a model there is none of',
    text: `judges: { j: { ${JUDGE}, models: [▶atuo] } }\n`,
    path: 'judges.j.models[0]',
    message: /no arm, model or alias "atuo"; did you mean "auto"/,
  },
  {
    title: 'a judge of text',
    text: `metrics: { m: { type: text } }\njudges: { j: { ${JUDGE}, metric: ▶m } }\n`,
    path: 'judges.j.metric',
    message: /is text: nothing to judge/,
  },
  {
    title: 'a judge that may spend nothing',
    text: `judges: { j: { ${JUDGE}, maxUsdPerDay: ▶0 } }\n`,
    path: 'judges.j.maxUsdPerDay',
    message: /must be > 0/,
  },
]
