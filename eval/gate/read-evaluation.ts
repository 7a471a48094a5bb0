/** An evaluation that comes from outside (a request, the store), checked before anything is decided on it. */
import { EvaluationError } from '../errors.ts'
import { type Estimate, type EvaluationJson, VALUES, type ValueName } from '../off-policy/types.ts'

type PlainMap = Readonly<Record<string, unknown>>

/**
 * A bound that JSON could not write, null, is one that nothing is known of: −∞ below, ∞ above, NaN between. Keys that are not
 * known stay.
 *
 * @throws {EvaluationError} `eval_bad_evaluation` with the path of the first thing that is wrong
 */
export function readEvaluation(json: unknown): EvaluationJson {
  const root = mapAt('', json)
  const logged = mapAt('logged', root['logged'])
  const diagnostics = mapAt('diagnostics', root['diagnostics'])
  const targetHash = root['targetHash']
  return {
    ...root,
    target: textAt('target', root['target']),
    ...(targetHash !== undefined && { targetHash: textAt('targetHash', targetHash) }),
    logged: {
      ...logged,
      n: numberAt('logged.n', logged['n']),
      from: timeAt('logged.from', logged['from']),
      to: timeAt('logged.to', logged['to']),
    },
    refused: truthAt('refused', root['refused']),
    reasons: listAt('reasons', root['reasons']).map((entry, i) => {
      const reason = mapAt(`reasons[${i}]`, entry)
      return {
        code: textAt(`reasons[${i}].code`, reason['code']),
        message: textAt(`reasons[${i}].message`, reason['message']),
      }
    }),
    estimates: estimatesAt('estimates', root['estimates']),
    objective: valueNameAt('objective', textAt('objective', root['objective'])),
    values: Object.fromEntries(
      Object.entries(mapAt('values', root['values'])).map(([name, entry]) => {
        const path = `values.${valueNameAt('values', name)}`
        const value = mapAt(path, entry)
        return [
          name,
          {
            ...value,
            target: estimateAt(`${path}.target`, value['target']),
            logged: estimateAt(`${path}.logged`, value['logged']),
            difference: estimateAt(`${path}.difference`, value['difference']),
          },
        ]
      }),
    ),
    diagnostics: {
      ...diagnostics,
      ess: maybeNumberAt('diagnostics.ess', diagnostics['ess'], Number.NaN),
      maxWeightShare: maybeNumberAt('diagnostics.maxWeightShare', diagnostics['maxWeightShare'], Number.NaN),
      meanWeightZ: maybeNumberAt('diagnostics.meanWeightZ', diagnostics['meanWeightZ'], Number.NaN),
    },
  }
}

function estimatesAt(path: string, value: unknown): Readonly<Record<string, Estimate>> {
  const entries = Object.entries(mapAt(path, value))
  return Object.fromEntries(entries.map(([name, entry]) => [name, estimateAt(`${path}.${name}`, entry)]))
}

function estimateAt(path: string, value: unknown): Estimate {
  const map = mapAt(path, value)
  return {
    ...map,
    value: maybeNumberAt(`${path}.value`, map['value'], Number.NaN),
    lo: maybeNumberAt(`${path}.lo`, map['lo'], Number.NEGATIVE_INFINITY),
    hi: maybeNumberAt(`${path}.hi`, map['hi'], Number.POSITIVE_INFINITY),
  }
}

function valueNameAt(path: string, name: string): ValueName {
  const found = VALUES.find((known) => known === name)
  if (found === undefined) throw bad(path, `must be one of ${VALUES.join(', ')}`, name)
  return found
}

function mapAt(path: string, value: unknown): PlainMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(path, 'must be an object', value)
  return value as PlainMap
}

function listAt(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(path, 'must be a list', value)
  return value
}

function textAt(path: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw bad(path, 'must be a text', value)
  return value
}

function timeAt(path: string, value: unknown): string {
  const text = textAt(path, value)
  if (Number.isNaN(Date.parse(text))) throw bad(path, 'must be a time such as 2026-01-31T12:00:00Z', value)
  return text
}

function truthAt(path: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw bad(path, 'must be true or false', value)
  return value
}

function numberAt(path: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw bad(path, 'must be a number', value)
  return value
}

function maybeNumberAt(path: string, value: unknown, unknown: number): number {
  if (value === null) return unknown
  if (typeof value !== 'number') throw bad(path, 'must be a number or null', value)
  return value
}

const SHOWN_CHARS = 60

function bad(path: string, rule: string, value: unknown): EvaluationError {
  const shown = (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_CHARS)
  return new EvaluationError(
    'eval_bad_evaluation',
    `evaluation: ${path === '' ? 'it' : path} ${rule}, got ${shown}; give the JSON that \`highwayman evaluate\` prints`,
  )
}
