/** The configuration of a gateway that is to be killed: two arms on one upstream, and a store of the test's. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A row waits at most this long before it is on disk. */
export const FLUSH_MS = 200

/** Writes it into `folder`, and gives its path. @param store lines of the section `store` */
export async function writeGatewayConfig(
  folder: string,
  upstream: string,
  store: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(folder, 'highwayman.yaml')
  const settings = Object.entries({ ...store, flushMs: FLUSH_MS }).map(([key, value]) => `  ${key}: ${value}`)
  await writeFile(
    path,
    `providers:
  local: { type: openai-compatible, baseUrl: ${upstream}/v1, apiKey: none }
arms:
  local/small: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2 } }
  local/large: { price: { inputUsdPerMtok: 4, outputUsdPerMtok: 8 } }
store:
${settings.join('\n')}
`,
  )
  return path
}
