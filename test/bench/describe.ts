/** A request's text to facts: 2 kB of prompt, with the class given, with the class inferred, and with a text block. */
import { labelledRequests } from '../../datasets/request-classes/rows.ts'
import {
  createFeatureSpace,
  describeRequest,
  fitTextProjection,
  type RequestText,
} from '../../engine/index.ts'
import { type BenchResult, throughput } from './report.ts'

const PROMPT_CHARS = 2_000
const PROMPTS = 256

export function benchDescribe(): BenchResult[] {
  const texts = labelledRequests().map(({ request }) => request.messages[0]?.text ?? '')
  const stock = texts.join('\n')
  const requests = Array.from({ length: PROMPTS }, (_, i): RequestText => {
    const from = Math.floor((i * (stock.length - PROMPT_CHARS)) / PROMPTS)
    const text = stock.slice(from, from + PROMPT_CHARS)
    return { messages: [{ role: 'user', text }], promptTokens: PROMPT_CHARS / 4 }
  })
  const given = requests.map((request) => ({ ...request, requestClass: 'chat' }))
  const { text } = createFeatureSpace({ text: fitTextProjection(texts) })
  const method = `describeRequest of ${PROMPT_CHARS} characters, median of 5 rounds of 0.6 s, one core`
  const result = (name: string, run: (i: number) => unknown): BenchResult => ({
    name,
    value: throughput(run),
    unit: 'requests/s',
    method,
  })
  return [
    result('describe, class given', (i) => describeRequest(given[i % PROMPTS] as RequestText)),
    result('describe, class inferred', (i) => describeRequest(requests[i % PROMPTS] as RequestText)),
    result('describe, class given, text block', (i) =>
      describeRequest(given[i % PROMPTS] as RequestText, text),
    ),
  ]
}
