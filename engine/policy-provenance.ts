/** How a policy file came about: what its rows were called, and how its settings were found. */
import { bad, countAt, mapAt, numberAt, textAt } from './policy-file-fields.ts'

/** Bounds hold the true value in 95 % of repetitions. */
export interface ProvenanceInterval {
  readonly mean: number
  readonly lo: number
  readonly hi: number
}

export interface TuningProvenance {
  /** What was maximised: `aiq`, `reward` or `online`. */
  readonly objective: string
  /** w in utility = quality − w · cost / (mean cost of the dearest arm); ≥ 0. */
  readonly costWeight: number
  readonly seed: number
  /** Settings that were tried. */
  readonly trials: number
  /** By name: what was drawn from, for a reader. */
  readonly searchSpace: Readonly<Record<string, unknown>>
  /** Mean of the objective over the inner folds, of the settings that won: too good by having been chosen. */
  readonly inner: { readonly folds: number; readonly score: number }
  /** On rows that neither the search nor the fit for them saw. */
  readonly heldOut: {
    readonly rows: number
    /** Rows that the settings were fitted on for this. The file itself was then fitted on all. */
    readonly fittedRows: number
    readonly value: ProvenanceInterval
    /** The same figure of the baselines. */
    readonly beside: Readonly<Record<string, ProvenanceInterval>>
    /** Value minus that of the zero router, on the same rows. */
    readonly gain: ProvenanceInterval
  }
  /** Of what made it: `highwayman`, `node`. */
  readonly versions: Readonly<Record<string, string>>
}

/** What a row of the data set can be called by; `inferred` is what the engine makes of its prompt. */
export const LABEL_SOURCES = ['category', 'task', 'inferred'] as const

/** How the rows of a data set got the classes of the file, so that others get theirs by the same rule. */
export interface LabelProvenance {
  readonly by: (typeof LABEL_SOURCES)[number]
  /** From what a row is called by to its class. */
  readonly map: Readonly<Record<string, string>>
  /** Of the rows that were learned from, how many are called by one of the classes, are in the map, were inferred. */
  readonly rows: { readonly byName: number; readonly byMap: number; readonly inferred: number }
}

/** Absent where the classes are the names of the data set's own categories. @throws {EngineError} `engine_bad_policy_file` */
export function readLabels(value: unknown): { readonly labels?: LabelProvenance } {
  if (value === undefined) return {}
  const path = 'provenance.labels'
  const map = mapAt(path, value)
  const by = LABEL_SOURCES.find((source) => source === map['by'])
  if (by === undefined) throw bad(`${path}.by`, `must be one of ${LABEL_SOURCES.join(', ')}`, map['by'])
  const entries = Object.entries(mapAt(`${path}.map`, map['map'])).map(([name, target]): [string, string] => [
    name,
    textAt(`${path}.map.${name}`, target),
  ])
  const rows = mapAt(`${path}.rows`, map['rows'])
  const count = (name: 'byName' | 'byMap' | 'inferred') => countAt(`${path}.rows.${name}`, rows[name], 0)
  return {
    labels: {
      by,
      map: Object.fromEntries(entries),
      rows: { byName: count('byName'), byMap: count('byMap'), inferred: count('inferred') },
    },
  }
}

/** Absent in files that were made without a search, all older ones among them. @throws {EngineError} `engine_bad_policy_file` */
export function readTuning(value: unknown): { readonly tuning?: TuningProvenance } {
  if (value === undefined) return {}
  const path = 'provenance.tuning'
  const map = mapAt(path, value)
  const inner = mapAt(`${path}.inner`, map['inner'])
  const heldOut = mapAt(`${path}.heldOut`, map['heldOut'])
  const versions = mapAt(`${path}.versions`, map['versions'])
  const beside = mapAt(`${path}.heldOut.beside`, heldOut['beside'])
  return {
    tuning: {
      objective: textAt(`${path}.objective`, map['objective']),
      costWeight: numberAt(`${path}.costWeight`, map['costWeight'], (x) => x >= 0, 'at least 0'),
      seed: numberAt(`${path}.seed`, map['seed'], Number.isInteger, 'without a fraction'),
      trials: countAt(`${path}.trials`, map['trials'], 1),
      searchSpace: mapAt(`${path}.searchSpace`, map['searchSpace']),
      inner: {
        folds: countAt(`${path}.inner.folds`, inner['folds'], 1),
        score: numberAt(`${path}.inner.score`, inner['score'], () => true, 'at all'),
      },
      heldOut: {
        rows: countAt(`${path}.heldOut.rows`, heldOut['rows'], 1),
        fittedRows: countAt(`${path}.heldOut.fittedRows`, heldOut['fittedRows'], 1),
        value: intervalAt(`${path}.heldOut.value`, heldOut['value']),
        beside: Object.fromEntries(
          Object.entries(beside).map(([name, each]) => [
            name,
            intervalAt(`${path}.heldOut.beside.${name}`, each),
          ]),
        ),
        gain: intervalAt(`${path}.heldOut.gain`, heldOut['gain']),
      },
      versions: Object.fromEntries(
        Object.entries(versions).map(([name, version]) => [
          name,
          textAt(`${path}.versions.${name}`, version),
        ]),
      ),
    },
  }
}

function intervalAt(path: string, value: unknown): ProvenanceInterval {
  const map = mapAt(path, value)
  const bound = (name: 'mean' | 'lo' | 'hi') => numberAt(`${path}.${name}`, map[name], () => true, 'at all')
  const interval = { mean: bound('mean'), lo: bound('lo'), hi: bound('hi') }
  if (interval.lo > interval.hi) throw bad(path, 'must have lo ≤ hi', value)
  return interval
}
