/** What requests look up in a registry, worked out once when it is put in force. */
import type { ArmId, ExclusionReason } from '../engine/index.ts'
import { DEFAULTS } from './config/defaults.ts'
import { Keyring } from './pipeline/authenticate.ts'
import type { RegisteredArm, Registry, Tenant, VirtualModel } from './registry.ts'
import { type Metrics, NO_METRICS } from './rewards/metric.ts'

/** Why something outside the engine rules an arm out. */
export interface Ruling {
  readonly reason: ExclusionReason
  readonly detail: string
}
export type Rulings = ReadonlyMap<ArmId, Ruling>

export const DEFAULT_PREFERENCES = { kind: 'weights', ...DEFAULTS.model.preferences } as const
const NO_RULINGS: Rulings = new Map()

export class RegistryView {
  readonly registry: Registry
  readonly keyring: Keyring
  readonly classes: ReadonlySet<string>
  readonly metrics: Metrics
  /** Virtual models, arms and aliases, in this order: everything a caller can name. */
  readonly #models: ReadonlyMap<string, VirtualModel>
  readonly #rulings = new Map<Tenant, Rulings>()

  constructor(registry: Registry) {
    this.registry = registry
    this.keyring = new Keyring(registry.tenants.values())
    this.classes = new Set(registry.classes)
    this.metrics = registry.metrics ?? NO_METRICS
    this.#models = modelsOf(registry)
  }

  /** What a tenant can name and get an answer of; without one, all names. */
  namesOpenTo(tenant: Tenant | undefined): string[] {
    if (tenant === undefined) return [...this.#models.keys()]
    const barred = this.rulingsFor(tenant)
    return [...this.#models].flatMap(([name, { arms }]) =>
      arms.length > 0 && arms.every((arm) => barred.has(arm)) ? [] : [name],
    )
  }

  /** An arm is a virtual model of one. */
  model(name: string): VirtualModel | undefined {
    return this.#models.get(name)
  }

  /** The arms that this tenant may not use. */
  rulingsFor(tenant: Tenant): Rulings {
    const known = this.#rulings.get(tenant)
    if (known !== undefined) return known
    const rulings =
      tenant.allow === undefined && tenant.deny.length === 0
        ? NO_RULINGS
        : this.rule(tenant, `tenant ${tenant.name}`)
    this.#rulings.set(tenant, rulings)
    return rulings
  }

  /** The arms outside an allow list or inside a deny list; both hold arm ids and tags. */
  rule(
    lists: { readonly allow: readonly string[] | undefined; readonly deny: readonly string[] },
    whose: string,
  ): Rulings {
    const rulings = new Map<ArmId, Ruling>()
    for (const [id, registered] of this.registry.arms) {
      const denying = lists.deny.find((entry) => isNamedBy(registered, entry))
      if (denying !== undefined) {
        rulings.set(id, { reason: 'denied', detail: `${whose} denies ${denying}` })
      } else if (lists.allow !== undefined && !lists.allow.some((entry) => isNamedBy(registered, entry))) {
        rulings.set(id, { reason: 'not_allowed', detail: `not on the list that ${whose} allows` })
      }
    }
    return rulings
  }
}

/** The view of the current registry; made anew when the registry is another one. */
export function viewOfCurrent(registry: () => Registry): () => RegistryView {
  let view = new RegistryView(registry())
  return () => {
    const current = registry()
    if (view.registry !== current) view = new RegistryView(current)
    return view
  }
}

function isNamedBy({ arm }: RegisteredArm, entry: string): boolean {
  return arm.id === entry || arm.tags?.includes(entry) === true
}

function modelsOf(registry: Registry): ReadonlyMap<string, VirtualModel> {
  const models = new Map(registry.models)
  for (const id of registry.arms.keys()) {
    models.set(id, {
      name: id,
      arms: [id],
      policy: { name: 'fixed', arm: id },
      preferences: DEFAULT_PREFERENCES,
      constraints: {},
      floor: 0,
      switchMargin: 0,
      explore: true,
    })
  }
  for (const [alias, target] of registry.aliases) {
    const model = models.get(target)
    if (model !== undefined && !models.has(alias)) models.set(alias, model)
  }
  return models
}
