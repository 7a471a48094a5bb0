/** The registry of a running simulator: no keys, no vendors, arms as the simulator describes them. */
import { resolve } from 'node:path'
import type { Dialect, ProviderConfig } from '../../adapters/index.ts'
import { type ArmId, type ArmPrior, CAPABILITIES, type Price } from '../../engine/index.ts'
import type { RegisteredArm, Registry } from '../registry.ts'
import { defaultModels } from './build/default-models.ts'
import { DEFAULTS } from './defaults.ts'
import { ConfigError } from './errors.ts'

/** One arm of a simulator. Arms whose ids begin with the same provider are reached over one pool of sockets. */
export interface SimulatedArm {
  /** `provider/model`. */
  readonly id: string
  readonly dialect: Dialect
  /** Loopback address, up to and including the version segment. */
  readonly baseUrl: string
  readonly upstreamModel: string
  readonly price: Price
  readonly prior: ArmPrior
  readonly contextWindowTokens?: number
}

/** Simulated providers refuse a call without a key, like real ones, and take any. */
const SIMULATED_KEY = 'simulated'

/** @throws {ConfigError} `config_invalid` for no arms, a repeated or malformed id, or one provider at two addresses. */
export function registryFromSimulator(
  simulated: readonly SimulatedArm[],
  {
    dataDir = DEFAULTS.store.dataDir,
    classes = [],
  }: {
    readonly dataDir?: string | undefined
    /** Request classes of the simulated traffic, beside the default ones. */
    readonly classes?: readonly string[]
  } = {},
): Registry {
  const refuse = (message: string) => new ConfigError('config_invalid', 'simulator', { message })
  const providers = new Map<string, ProviderConfig>()
  const arms = new Map<ArmId, RegisteredArm>()
  for (const { id, dialect, baseUrl, upstreamModel, contextWindowTokens, price, prior } of simulated) {
    const slash = id.indexOf('/')
    if (slash < 1 || slash === id.length - 1) throw refuse(`arm "${id}" is not provider/model`)
    const provider = id.slice(0, slash)
    const known = providers.get(provider)
    if (known !== undefined && (known.baseUrl !== baseUrl || known.dialect !== dialect)) {
      throw refuse(`provider "${provider}" is at ${known.baseUrl} and at ${baseUrl}`)
    }
    if (arms.has(id as ArmId)) throw refuse(`arm "${id}" is there twice`)
    providers.set(provider, known ?? { name: provider, dialect, baseUrl, apiKey: SIMULATED_KEY })
    arms.set(id as ArmId, {
      provider,
      upstreamModel,
      priceSource: 'simulator',
      arm: {
        id: id as ArmId,
        provider,
        model: id.slice(slash + 1),
        price,
        prior,
        capabilities: CAPABILITIES,
        ...(contextWindowTokens === undefined ? {} : { contextWindowTokens }),
      },
    })
  }
  if (arms.size === 0) throw refuse('the simulator has no arms')
  return {
    source: 'simulator',
    providers,
    arms,
    models: defaultModels([...arms.keys()]),
    aliases: new Map(),
    classes: [...new Set([...DEFAULTS.classes, ...classes])],
    tenants: new Map(),
    store: {
      kind: 'embedded',
      dataDir: resolve(dataDir),
      spool: { directory: resolve(dataDir, 'spool') },
    },
    replicas: DEFAULTS.replicas,
    server: DEFAULTS.server,
  }
}
