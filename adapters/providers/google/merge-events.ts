/**
 * The events of a Gemini stream that came as one JSON array, as a proxy that forgets `alt=sse` or always streams sends them: one answer
 * again. Every event is a whole response with the parts that are new.
 */
import { asArray, asNumber, asRecord, asRecords, type Wire } from '../wire.ts'
import { finishReasonIn } from './finish.ts'

export function mergeEvents(events: readonly Wire[]): Wire {
  const candidates = new Map<number, Wire>()
  let merged: Wire = {}
  for (const event of events) {
    const usageMetadata = { ...asRecord(merged['usageMetadata']), ...asRecord(event['usageMetadata']) }
    for (const [position, candidate] of asRecords(event['candidates']).entries()) {
      const index = asNumber(candidate['index']) ?? position
      candidates.set(index, mergeCandidate(candidates.get(index) ?? {}, candidate))
    }
    merged = { ...event, ...merged, usageMetadata }
  }
  return { ...merged, candidates: [...candidates.values()] }
}

function mergeCandidate(before: Wire, next: Wire): Wire {
  const [content, more] = [asRecord(before['content']), asRecord(next['content'])]
  const [logprobs, furtherLogprobs] = [asRecord(before['logprobsResult']), asRecord(next['logprobsResult'])]
  return {
    ...before,
    ...next,
    finishReason: finishReasonIn(next) ?? before['finishReason'],
    content: { ...content, ...more, parts: joined(content, more, 'parts') },
    ...((logprobs ?? furtherLogprobs) && {
      logprobsResult: {
        topCandidates: joined(logprobs, furtherLogprobs, 'topCandidates'),
        chosenCandidates: joined(logprobs, furtherLogprobs, 'chosenCandidates'),
      },
    }),
  }
}

function joined(before: Wire | undefined, next: Wire | undefined, field: string): readonly unknown[] {
  return [...asArray(before?.[field]), ...asArray(next?.[field])]
}
