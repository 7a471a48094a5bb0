/** The rows of a table as requests: their facts, and ids and times on a clock of their own. */
import { type DecisionId, describeRequest, type RequestFacts, type TextBlock } from '../../engine/index.ts'
import type { OutcomeTable } from '../outcome-table.ts'

/** 2026-01-01T00:00:00Z: replays do not happen at a time, but decay and ids need one. */
export const REPLAY_STARTS_AT_MS = Date.UTC(2026, 0, 1)
const CHARS_PER_TOKEN = 4

/** One request per row, its class given by the dataset. Prompt tokens are the dataset's; else characters / 4. */
export function describeRows(table: OutcomeTable, text: TextBlock | undefined): RequestFacts[] {
  return table.prompts.map((prompt, row) =>
    describeRequest(
      {
        messages: [{ role: 'user', text: prompt }],
        promptTokens: promptTokensOf(table, row) ?? Math.ceil(prompt.length / CHARS_PER_TOKEN),
        requestClass: table.classes[table.classOf[row]!]!,
      },
      text,
    ),
  )
}

/** A UUIDv7 of the given time that is a function of its arguments; `sequence` < 2⁴⁸ and `seed` < 2¹⁴ keep ids distinct. */
export function replayDecisionId(atMs: number, sequence: number, seed: number): DecisionId {
  const time = atMs.toString(16).padStart(12, '0')
  const variant = (0x8000 | (seed & 0x3fff)).toString(16)
  const tail = sequence.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-${variant}-${tail}` as DecisionId
}

function promptTokensOf(table: OutcomeTable, row: number): number | undefined {
  for (let column = 0; column < table.arms.length; column++) {
    const tokens = table.inputTokens[row * table.arms.length + column]!
    if (!Number.isNaN(tokens)) return tokens
  }
  return undefined
}
