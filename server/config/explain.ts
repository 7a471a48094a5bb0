/** A registry in words, for `highwayman doctor`: what is there, where it came from, what looks wrong. Never a secret. */
import { isIP } from 'node:net'
import type { Capability, PolicySpec, Preferences, Price } from '../../engine/index.ts'
import type { ColdStartSettings, RegisteredArm, Registry } from '../registry.ts'

export const REGISTRY_WARNING_CODES = [
  'provider_without_key',
  'provider_unused',
  'provider_plain_http',
  'arm_free',
  'arm_price_disputed',
  'arm_streams_only',
  'model_single_arm',
  'tenant_without_key',
  'server_open',
] as const

export interface RegistryWarning {
  readonly code: (typeof REGISTRY_WARNING_CODES)[number]
  /** Path in the configuration: `arms.openai/gpt-5`. */
  readonly subject: string
  /** What is odd and what to do about it. */
  readonly message: string
}

export interface RegistryExplanation {
  readonly source: string
  readonly providers: readonly {
    readonly name: string
    readonly dialect: string
    readonly baseUrl: string
    readonly key: 'present' | 'absent'
    /** Names only. */
    readonly headers: readonly string[]
  }[]
  readonly arms: readonly {
    readonly id: string
    readonly provider: string
    readonly upstreamModel: string
    readonly price: Price
    readonly priceSource: string
    readonly contextWindowTokens: number | undefined
    readonly capabilities: readonly Capability[]
    readonly tags: readonly string[]
  }[]
  readonly models: readonly {
    readonly name: string
    readonly arms: readonly string[]
    readonly policy: PolicySpec
    readonly preferences: Preferences
    readonly floor: number
    readonly explore: boolean
  }[]
  readonly aliases: readonly { readonly name: string; readonly target: string }[]
  readonly tenants: readonly { readonly name: string; readonly keyCount: number }[]
  readonly metrics: readonly {
    readonly name: string
    readonly type: string
    readonly qualityWeight: number
  }[]
  /** Those that are on. */
  readonly signals: readonly string[]
  /** Each is sent a share of prompts and answers. */
  readonly judges: readonly {
    readonly name: string
    readonly model: string
    readonly share: number
    readonly maxUsdPerDay: number
  }[]
  /** Where the beliefs start from; null: from the arms' priors. */
  readonly coldStart: string | null
  readonly store: string
  readonly address: string
  readonly warnings: readonly RegistryWarning[]
}

export function explainRegistry(registry: Registry): RegistryExplanation {
  const { store, server, coldStart } = registry
  return {
    source: registry.source,
    providers: [...registry.providers.values()].map(({ name, dialect, baseUrl, apiKey, headers }) => ({
      name,
      dialect,
      baseUrl,
      key: apiKey === undefined ? 'absent' : 'present',
      headers: Object.keys(headers ?? {}),
    })),
    arms: [...registry.arms.values()].map(({ arm, upstreamModel, priceSource }) => ({
      id: arm.id,
      provider: arm.provider,
      upstreamModel,
      price: arm.price,
      priceSource: sourceText(priceSource),
      contextWindowTokens: arm.contextWindowTokens,
      capabilities: arm.capabilities,
      tags: arm.tags ?? [],
    })),
    models: [...registry.models.values()].map(({ name, arms, policy, preferences, floor, explore }) => ({
      name,
      arms,
      policy,
      preferences,
      floor,
      explore,
    })),
    aliases: [...registry.aliases].map(([name, target]) => ({ name, target })),
    tenants: [...registry.tenants.values()].map(({ name, keySha256 }) => ({
      name,
      keyCount: keySha256.length,
    })),
    metrics: [...(registry.metrics?.values() ?? [])].map(({ name, scale, qualityWeight }) => ({
      name,
      type: scale.kind,
      qualityWeight,
    })),
    signals: [...(registry.signals?.worths.keys() ?? [])],
    judges: (registry.judges ?? []).map(({ name, model, share, maxUsdPerDay }) => ({
      name,
      model,
      share,
      maxUsdPerDay,
    })),
    coldStart: coldStart === undefined ? null : coldStartText(coldStart),
    store: store.kind === 'embedded' ? store.dataDir : `${store.url} (database ${store.database})`,
    address: `${server.host}:${server.port}`,
    warnings: [
      ...providerWarnings(registry),
      ...[...registry.arms.values()].flatMap(armWarnings),
      ...accessWarnings(registry),
    ],
  }
}

function providerWarnings({ providers, arms, embedding }: Registry): RegistryWarning[] {
  const used = new Set([...arms.values()].map(({ provider }) => provider))
  if (embedding !== undefined) used.add(embedding.provider.name)
  return [...providers.values()].flatMap(({ name, baseUrl, apiKey, headers }) => {
    const subject = `providers.${name}`
    const url = new URL(baseUrl)
    const warnings: RegistryWarning[] = []
    if (!used.has(name)) {
      warnings.push({ code: 'provider_unused', subject, message: 'no arm uses it' })
    }
    if (apiKey === undefined && headers === undefined && !isLoopback(url.hostname)) {
      warnings.push({
        code: 'provider_without_key',
        subject,
        message: 'has no apiKey and its usual variable is not set; calls fail unless it asks for none',
      })
    }
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      warnings.push({
        code: 'provider_plain_http',
        subject,
        message: `prompts and keys go to ${url.host} unencrypted; use https, or keep it on this machine`,
      })
    }
    return warnings
  })
}

function coldStartText({ path, policyFile: { provenance } }: ColdStartSettings): string {
  const { rows, source, split, createdMs } = provenance
  return `${path}, made ${new Date(createdMs).toISOString().slice(0, 10)} from ${rows} rows of ${source}, ${split}`
}

function sourceText(source: RegisteredArm['priceSource']): string {
  if (typeof source === 'object') return `${source.source} ${source.date}`
  return source ?? 'unknown'
}

function armWarnings({ arm, priceSource }: RegisteredArm): RegistryWarning[] {
  const subject = `arms.${arm.id}`
  const warnings: RegistryWarning[] = []
  if (priceSource === 'self-hosted') {
    warnings.push({
      code: 'arm_free',
      subject,
      message:
        'has no price and counts as free: every preference for low cost leads to it; give a price if it has one',
    })
  }
  if (typeof priceSource === 'object' && priceSource.disputed !== undefined) {
    const { inputUsdPerMtok, outputUsdPerMtok, source, disputed } = priceSource
    warnings.push({
      code: 'arm_price_disputed',
      subject,
      message: `price ${inputUsdPerMtok}/${outputUsdPerMtok} USD per million tokens is from ${source}; ${disputed.source} says ${disputed.inputUsdPerMtok}/${disputed.outputUsdPerMtok}; check it and give price`,
    })
  }
  if (arm.capabilities.length === 1 && arm.capabilities[0] === 'streaming') {
    warnings.push({
      code: 'arm_streams_only',
      subject,
      message: 'gets no request with tools, images or a schema; give capabilities if it can do more',
    })
  }
  return warnings
}

function accessWarnings({ models, tenants, server }: Registry): RegistryWarning[] {
  const single = [...models.values()].filter(({ arms }) => arms.length === 1)
  const keyless = [...tenants.values()].filter(({ keySha256 }) => keySha256.length === 0)
  return [
    ...single.map(
      ({ name }): RegistryWarning => ({
        code: 'model_single_arm',
        subject: `models.${name}`,
        message: 'has one arm: there is nothing to choose, and nothing to fall back to',
      }),
    ),
    ...keyless.map(
      ({ name }): RegistryWarning => ({
        code: 'tenant_without_key',
        subject: `tenants.${name}`,
        message: 'has no key: nobody can call as this tenant',
      }),
    ),
    ...(tenants.size === 0 && !isLoopback(server.host)
      ? [
          {
            code: 'server_open',
            subject: 'server.host',
            message: `listens on ${server.host} and asks nobody for a key; add tenants, or listen on 127.0.0.1`,
          } as const,
        ]
      : []),
  ]
}

function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '')
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** The explanation as lines of text. */
export function explanationLines(explanation: RegistryExplanation): readonly string[] {
  const { source, providers, arms, models, aliases, tenants, store, address, warnings, coldStart } =
    explanation
  const { metrics, signals, judges } = explanation
  return [
    `configuration  ${source}`,
    `address        ${address}`,
    `store          ${store}`,
    ...(coldStart === null ? [] : [`starts from    ${coldStart}`]),
    ...providers.map(
      ({ name, dialect, baseUrl, key }) => `provider       ${name}  ${dialect}  ${baseUrl}  key ${key}`,
    ),
    ...arms.map(
      ({ id, price, priceSource }) =>
        `arm            ${id}  ${price.inputUsdPerMtok}/${price.outputUsdPerMtok} USD per Mtok (${priceSource})`,
    ),
    ...models.map(({ name, arms: ids, policy, floor }) => {
      const choice = ids.length === arms.length ? `all ${ids.length} arms` : ids.join(', ')
      return `model          ${name}  ${policy.name}, floor ${floor}: ${choice}`
    }),
    ...aliases.map(({ name, target }) => `alias          ${name} → ${target}`),
    ...tenants.map(
      ({ name, keyCount }) => `tenant         ${name}  ${keyCount} ${keyCount === 1 ? 'key' : 'keys'}`,
    ),
    ...metrics.map(({ name, type, qualityWeight }) => {
      const part = qualityWeight === 0 ? 'no part of quality' : `weight ${qualityWeight} in quality`
      return `metric         ${name}  ${type}, ${part}`
    }),
    ...(signals.length === 0 ? [] : [`signals        ${signals.join(', ')}`]),
    ...judges.map(
      ({ name, model, share, maxUsdPerDay }) =>
        `judge          ${name}  ${model} reads ${share * 100} % of prompts and answers, at most ${maxUsdPerDay} USD a day`,
    ),
    ...warnings.map(({ subject, message }) => `warning        ${subject}: ${message}`),
  ]
}
