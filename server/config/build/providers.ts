import type { ProviderConfig } from '../../../adapters/index.ts'
import { didYouMean } from '../nearest.ts'
import type { ProviderSettings } from '../schema.ts'
import {
  isProviderType,
  keyFromEnvironment,
  PROVIDER_TYPES,
  type ProviderType,
  WELL_KNOWN_PROVIDERS,
  type WellKnownProvider,
} from '../well-known.ts'
import { compact, type Scope } from './scope.ts'

export interface BuiltProvider {
  readonly config: ProviderConfig
  readonly type: ProviderType
}

/** Undefined after a problem was reported. */
export function buildProvider(
  name: string,
  settings: ProviderSettings,
  scope: Scope,
): BuiltProvider | undefined {
  const type = providerType(name, settings, scope)
  if (type === undefined) return undefined
  const known: WellKnownProvider = WELL_KNOWN_PROVIDERS[type]
  const baseUrl = settings.baseUrl ?? known.baseUrl
  if (baseUrl === undefined) {
    scope.reporter.report(
      ['providers', name],
      'key',
      `a provider of type ${type} needs a baseUrl, up to and including the version segment`,
    )
    return undefined
  }
  const quirks = compact({ ...known.quirks, ...compact(settings.quirks) })
  return {
    type,
    config: {
      name,
      dialect: known.dialect,
      baseUrl: baseUrl.replace(/\/+$/, ''),
      apiKey: settings.apiKey ?? keyFromEnvironment(type, scope.env),
      deadlines: settings.deadlines,
      connections: settings.connections,
      ...(settings.headers === undefined ? {} : { headers: settings.headers }),
      ...(Object.keys(quirks).length === 0 ? {} : { quirks }),
    },
  }
}

function providerType(
  name: string,
  { type }: ProviderSettings,
  { reporter }: Scope,
): ProviderType | undefined {
  if (type !== undefined) {
    if (isProviderType(type)) return type
    const hint = didYouMean(type, PROVIDER_TYPES) || `; known are ${PROVIDER_TYPES.join(', ')}`
    reporter.report(['providers', name, 'type'], 'value', `unknown provider type "${type}"${hint}`)
    return undefined
  }
  if (isProviderType(name)) return name
  reporter.report(
    ['providers', name],
    'key',
    `"${name}" is not a well-known provider; give its type, such as openai-compatible with a baseUrl${didYouMean(name, PROVIDER_TYPES)}`,
  )
  return undefined
}
