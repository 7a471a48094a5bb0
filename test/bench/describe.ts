/**
 * A request's text to facts: 2 kB of prompt, with the class given, with the class inferred, and with a text block; and its
 * tokens, of 8 kB that are new and of 8 kB that come again, as instructions and earlier turns do.
 */
import { createTokenCounter } from '../../adapters/serving.ts'
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
const LONG_CHARS = 8_000

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
  const counter = createTokenCounter()
  const long = stock.repeat(Math.ceil((2 * LONG_CHARS) / stock.length))
  let numbered = 0
  const fresh = throughput(() => {
    const { length } = `${++numbered} `
    return counter.countText(
      `${numbered} ${long.slice(numbered % LONG_CHARS, (numbered % LONG_CHARS) + LONG_CHARS - length)}`,
    )
  })
  const instructions = long.slice(0, LONG_CHARS)
  const again = throughput(() => counter.countText(`${instructions}.`))
  counter.close()
  const tokens = {
    unit: 'texts/s',
    method: `tokens of ${LONG_CHARS} characters, median of 5 rounds of 0.6 s, one core`,
  }
  return [
    { name: 'tokens of a new text', value: fresh, ...tokens },
    { name: 'tokens of a text seen before', value: again, ratios: { new: again / fresh }, ...tokens },
    result('describe, class given', (i) => describeRequest(given[i % PROMPTS] as RequestText)),
    result('describe, class inferred', (i) => describeRequest(requests[i % PROMPTS] as RequestText)),
    result('describe, class given, text block', (i) =>
      describeRequest(given[i % PROMPTS] as RequestText, text),
    ),
  ]
}
