import { findPrice, type PriceRow } from '../../../adapters/index.ts'
import type { ArmId, Price } from '../../../engine/index.ts'
import type { RegisteredArm } from '../../registry.ts'
import { DEFAULTS } from '../defaults.ts'
import { didYouMean } from '../nearest.ts'
import type { ArmSettings } from '../schema.ts'
import { isProviderType, WELL_KNOWN_PROVIDERS, type WellKnownProvider } from '../well-known.ts'
import type { BuiltProvider } from './providers.ts'
import { compact, type Scope } from './scope.ts'

const FREE: Price = { inputUsdPerMtok: 0, outputUsdPerMtok: 0 }

/** Undefined after a problem was reported, here or with the arm's provider. */
export function buildArm(
  id: string,
  settings: ArmSettings,
  providers: ReadonlyMap<string, BuiltProvider>,
  scope: Scope,
): RegisteredArm | undefined {
  const slash = id.indexOf('/')
  const providerName = id.slice(0, slash)
  const model = id.slice(slash + 1)
  const upstreamModel = settings.model ?? model
  const provider = providers.get(providerName)
  if (provider === undefined) {
    if (!scope.names.providers.has(providerName)) reportUnknownProvider(id, providerName, scope)
    return undefined
  }
  const row = findPrice(provider.type, upstreamModel)
  const priced = priceOf(id, settings, row, provider, scope)
  if (priced === undefined) return undefined
  return {
    provider: providerName,
    upstreamModel,
    priceSource: priced.source,
    arm: {
      id: id as ArmId,
      provider: providerName,
      model,
      price: priced.price,
      capabilities: settings.capabilities ?? row?.capabilities ?? DEFAULTS.arm.capabilities,
      prior: { ...DEFAULTS.arm.prior, ...compact(settings.prior) },
      tags: settings.tags,
      ...compact({
        region: settings.region,
        contextWindowTokens: settings.contextWindowTokens ?? row?.contextWindowTokens,
        maxOutputTokens: settings.maxOutputTokens ?? row?.maxOutputTokens,
        priorFrom: siblingOf(id, settings, scope),
      }),
    },
  }
}

function siblingOf(id: string, { priorFrom }: ArmSettings, { reporter, names }: Scope): ArmId | undefined {
  if (priorFrom === undefined) return undefined
  const at = ['arms', id, 'priorFrom']
  if (priorFrom === id) reporter.report(at, 'value', 'an arm cannot start from itself')
  else if (!names.arms.has(priorFrom)) {
    reporter.report(at, 'value', `unknown arm "${priorFrom}"${didYouMean(priorFrom, names.arms)}`)
  }
  return priorFrom as ArmId
}

function priceOf(
  id: string,
  { price }: ArmSettings,
  row: PriceRow | undefined,
  { type }: BuiltProvider,
  { reporter }: Scope,
): { price: Price; source: NonNullable<RegisteredArm['priceSource']> } | undefined {
  if (price !== undefined) return { price: compact(price), source: 'config' }
  if (row !== undefined) return { price: priceOfRow(row), source: row }
  const known: WellKnownProvider = WELL_KNOWN_PROVIDERS[type]
  if (known.selfHosted) return { price: FREE, source: 'self-hosted' }
  // A made-up price would be worse than none: at 0 the arm would draw all traffic, and every bill would be wrong.
  reporter.report(
    ['arms', id],
    'key',
    'no price is known for this model; give price: { inputUsdPerMtok: …, outputUsdPerMtok: … }',
  )
  return undefined
}

function priceOfRow(row: PriceRow): Price {
  return compact({
    inputUsdPerMtok: row.inputUsdPerMtok,
    outputUsdPerMtok: row.outputUsdPerMtok,
    cachedInputUsdPerMtok: row.cachedInputUsdPerMtok,
    cacheWriteUsdPerMtok: row.cacheWriteUsdPerMtok,
  })
}

function reportUnknownProvider(id: string, provider: string, { reporter, names }: Scope): void {
  const hint = didYouMean(provider, names.providers)
  const repair = hint === '' && isProviderType(provider) ? `; add "${provider}:" under providers` : hint
  reporter.report(['arms', id], 'key', `unknown provider "${provider}"${repair}`)
}
