/** What a starting server says: where it is, what it runs on, and one command to try. */
import { styleText } from 'node:util'
import type { RolloutStatus } from '../policies/rollouts.ts'
import { HASH_CHARS } from '../policies/slot.ts'
import type { Registry } from '../registry.ts'

export interface BannerOptions {
  readonly url: string
  readonly version: string
  /** What serves beside, or in the place of, the policies of the configuration. @default nothing */
  readonly promoted?: readonly RolloutStatus[]
}

/** Ends with a newline. */
export function startBanner(
  { source, arms, models, store }: Registry,
  { url, version, promoted = [] }: BannerOptions,
): string {
  const simulated = [
    '',
    '  No provider key and no configuration were found, so the arms are simulated: their answers, prices and speeds',
    '  follow a data set, and every answer says so. Set a key such as OPENAI_API_KEY, or write highwayman.yaml.',
  ]
  const lines = [
    `${styleText('bold', 'highwayman')} ${version} is listening on ${styleText('bold', url)}`,
    '',
    `  configuration  ${source}`,
    `  models         ${[...models.keys()].join(', ')}`,
    `  arms           ${[...arms.keys()].join(', ')}`,
    ...promoted.map((status) => `  promoted       ${servedBy(status)}`),
    `  store          ${store.kind === 'embedded' ? `embedded ClickHouse in ${store.dataDir}` : store.url}`,
    `  pages          ${url}/docs  ${url}/metrics  ${url}/readyz`,
    ...(source === 'simulator' ? simulated : []),
    '',
    '  Try it:',
    '',
    `    curl -si ${url}/v1/chat/completions -H 'content-type: application/json' \\`,
    `      -d '{"model": "auto", "messages": [{"role": "user", "content": "Summarize why tides exist in two sentences."}]}'`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

function servedBy({ model, live, canary }: RolloutStatus): string {
  const share =
    canary && `${Number((100 * canary.share).toPrecision(3))} % by ${canary.hash.slice(0, HASH_CHARS)}`
  const rest = live === '' ? [] : [`${share === undefined ? '' : 'the rest '}by ${live.slice(0, HASH_CHARS)}`]
  return `${model}: ${[...(share === undefined ? [] : [share]), ...rest].join(', ')}`
}
