/** Who says a value, and whose word counts before whose. */

/**
 * First-hand before second-hand: who used the answer and what came of it, then a judge that read it, then a rule that looked
 * at its form, then what is assumed where nobody said anything. Within the first rank and one metric a user's word counts
 * before an outcome's; different metrics of one rank are mixed by their weights.
 */
export const SOURCE_KINDS = ['user', 'outcome', 'judge', 'heuristic', 'default'] as const
export type SourceKind = (typeof SOURCE_KINDS)[number]

const KINDS: ReadonlySet<string> = new Set(SOURCE_KINDS)
const RANKS: Readonly<Record<SourceKind, number>> = {
  user: 0,
  outcome: 0,
  judge: 1,
  heuristic: 2,
  default: 3,
}

/** What stands before the first colon, as in `judge:helpfulness`. Whoever names no kind speaks for the user. */
export function kindOf(source: string): SourceKind {
  const colon = source.indexOf(':')
  const kind = colon === -1 ? source : source.slice(0, colon)
  return KINDS.has(kind) ? (kind as SourceKind) : 'user'
}

/** 0 counts first; values of a greater rank count only where none of a smaller one holds. */
export function rankOf(kind: SourceKind): number {
  return RANKS[kind]
}

/** A default that counts as an outcome: silence is an answer. */
export const SILENT_OUTCOME = 'outcome:default'

/** Written when a window had closed, so no window applies to it. */
export function isDefault(source: string): boolean {
  return kindOf(source) === 'default' || source === SILENT_OUTCOME
}
