/** What a ClickHouse has of what was confirmed by a gateway. Everything is to be there once, and nothing twice. */
import type { Row } from '../../adapters/clickhouse/client.ts'
import type { Answered } from './load.ts'

export interface Census {
  /** Rows that are there more than once, whatever was confirmed. */
  readonly duplicateDecisions: number
  readonly duplicateAttempts: number
  readonly duplicateRewards: number
  readonly duplicateObservations: number
  /** Observations that the view has not summed, or summed more than once. */
  readonly unsummedObservations: number
  readonly decisions: ReadonlySet<string>
  readonly attempts: ReadonlySet<string>
  /** Decisions with an example for quality. */
  readonly learned: ReadonlySet<string>
  /** `decision key` */
  readonly feedback: ReadonlySet<string>
}

export async function census(query: (sql: string) => Promise<Row[]>): Promise<Census> {
  const texts = async (sql: string): Promise<string[]> => (await query(sql)).map((row) => String(row['id']))
  const decisions = await texts('SELECT decision_id AS id FROM decisions')
  const attempts = await texts("SELECT decision_id AS id FROM attempts WHERE status = 'answered'")
  const feedback = await texts(
    "SELECT concat(toString(decision_id), ' ', idempotency_key) AS id FROM rewards",
  )
  const examples = await texts(
    "SELECT concat(toString(decision_id), ' ', arrayStringConcat(heads, '+')) AS id FROM observations",
  )
  const [sums] = await query('SELECT toInt64(sum(rows)) AS summed FROM posterior')
  return {
    duplicateDecisions: repeated(decisions),
    duplicateAttempts: repeated(attempts),
    duplicateRewards: repeated(feedback),
    duplicateObservations: repeated(examples),
    unsummedObservations: Math.abs(examples.length - Number(sums?.['summed'])),
    decisions: new Set(decisions),
    attempts: new Set(attempts),
    learned: new Set(
      examples.filter((id) => id.endsWith(' quality')).map((id) => id.slice(0, id.indexOf(' '))),
    ),
    feedback: new Set(feedback),
  }
}

export interface Missing {
  readonly decisions: readonly string[]
  readonly attempts: readonly string[]
  readonly feedback: readonly string[]
  readonly lessons: readonly string[]
}

/** Of what was confirmed, what is not there. */
export function missingFrom(stored: Census, answered: readonly Answered[]): Missing {
  const acknowledged = answered.filter(({ feedbackKey }) => feedbackKey !== undefined)
  const ids = (entries: readonly Answered[]): string[] => entries.map(({ decisionId }) => decisionId)
  return {
    decisions: ids(answered).filter((id) => !stored.decisions.has(id)),
    attempts: ids(answered).filter((id) => !stored.attempts.has(id)),
    feedback: acknowledged
      .map(({ decisionId, feedbackKey }) => `${decisionId} ${feedbackKey}`)
      .filter((id) => !stored.feedback.has(id)),
    lessons: ids(acknowledged).filter((id) => !stored.learned.has(id)),
  }
}

function repeated(ids: readonly string[]): number {
  return ids.length - new Set(ids).size
}
