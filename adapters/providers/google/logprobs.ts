/** Gemini's `logprobsResult` → OpenAI's `logprobs`. */
import { asRecord, asRecords, type Wire } from '../wire.ts'

/** Undefined when there is none. Gemini tells no bytes. */
export function decodeLogprobs(candidate: Wire): Wire | undefined {
  const result = asRecord(candidate['logprobsResult'])
  if (result === undefined) return undefined
  const tops = asRecords(result['topCandidates'])
  const content = asRecords(result['chosenCandidates']).map((chosen, position) => ({
    ...tokenOf(chosen),
    top_logprobs: asRecords(tops[position]?.['candidates']).map(tokenOf),
  }))
  return { content, refusal: null }
}

function tokenOf(candidate: Wire): Wire {
  return { token: candidate['token'], logprob: candidate['logProbability'], bytes: null }
}
