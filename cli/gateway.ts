/** What a gateway goes by: asked of the one that runs, else read from the configuration. */
import type { PolicyFile, PolicySpec } from '../engine/index.ts'
import { askServer, type ServerFlags, serverOf } from './admin-client.ts'
import { configuredStore } from './configured-store.ts'
import { badInput } from './policy-lookup.ts'

/**
 * A policy file over the features of a gateway. Whoever names a configuration means that one, and whoever names a server that one;
 * else it is the server that runs here, which writes the log, and without one the configuration that is found here.
 *
 * @throws what reading the configuration and asking the server throw; `config_invalid` where there is neither
 */
export async function draftOfGateway(
  flags: ServerFlags,
  { policy, floor }: { readonly policy: PolicySpec; readonly floor: number },
): Promise<{ readonly file: PolicyFile; readonly source: string }> {
  const { readPolicyFile } = await import('../engine/index.ts')
  const url = flags.config === undefined ? await serverOf(flags) : flags.url
  if (url !== undefined) {
    const reply = await askServer(url, flags.adminKey, 'policies/draft', { policy, floor })
    return { file: readPolicyFile(await reply.json()), source: url }
  }
  const { registry } = await configuredStore(flags)
  if (registry === undefined) {
    throw badInput(
      'no server runs on this data directory and there is no configuration here: start the server, or name one with --url, --data-dir or --config',
    )
  }
  const { draftPolicyFile } = await import('../server/index.ts')
  return {
    file: draftPolicyFile(registry, { policy, floor, createdMs: Date.now() }),
    source: registry.source,
  }
}
