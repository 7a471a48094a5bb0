/** What a tenant can name as `model`. */
import type { Arm, ArmId } from '../../engine/index.ts'
import { serverError } from '../errors.ts'
import type { PolicySlots } from '../policies/policy-slots.ts'
import type { PolicySlot } from '../policies/slot.ts'
import type { RegisteredArm, Tenant, VirtualModel } from '../registry.ts'
import type { RegistryView } from '../registry-view.ts'
import type { ModelReply } from '../routes/schemas/model.ts'
import { resolveModel } from './resolve-model.ts'

const OWN = 'highwayman'

/** Virtual models first, then arms, then aliases; without what the tenant may not use. @param createdMs Unix ms */
export function listModels(
  view: RegistryView,
  slots: Pick<PolicySlots, 'liveOf'>,
  tenant: Tenant,
  createdMs: number,
): ModelReply[] {
  const barred = view.rulingsFor(tenant)
  const { models, arms, aliases } = view.registry
  const created = Math.floor(createdMs / 1_000)
  return [
    ...[...models.values()].flatMap((model) => {
      const open = model.arms.filter((arm) => !barred.has(arm))
      return open.length === 0 ? [] : [virtualBody(model, open, slots.liveOf(model), created)]
    }),
    ...[...arms.values()].flatMap((arm) => (barred.has(arm.arm.id) ? [] : [armBody(arm, created)])),
    ...[...aliases].flatMap(([alias, target]) => {
      const open = view.model(target)?.arms.some((arm) => !barred.has(arm)) === true
      return open ? [{ ...identity(alias, OWN, created), kind: 'alias' as const, alias_of: target }] : []
    }),
  ]
}

/** @throws {ServerError} 404 `model_not_found` */
export function findModel(
  view: RegistryView,
  slots: Pick<PolicySlots, 'liveOf'>,
  tenant: Tenant,
  createdMs: number,
  id: string,
): ModelReply {
  const found = listModels(view, slots, tenant, createdMs).find((model) => model.id === id)
  if (found !== undefined) return found
  resolveModel(view, id, undefined, tenant)
  throw serverError('model_not_found', `Model "${id}" is not open to this tenant.`, {
    param: 'model',
    shouldRetry: false,
  })
}

function identity(id: string, owner: string, created: number) {
  return { id, object: 'model' as const, created, owned_by: owner }
}

function virtualBody(
  model: VirtualModel,
  open: readonly ArmId[],
  { policy, hash }: PolicySlot,
  created: number,
): ModelReply {
  return {
    ...identity(model.name, OWN, created),
    kind: 'virtual',
    arms: [...open],
    policy: { ...policy },
    ...(hash !== '' && { policy_hash: hash }),
  }
}

function armBody({ arm }: RegisteredArm, created: number): ModelReply {
  const { contextWindowTokens, maxOutputTokens, region, tags } = arm
  return {
    ...identity(arm.id, arm.provider, created),
    kind: 'arm',
    pricing: pricing(arm),
    capabilities: [...arm.capabilities],
    ...(contextWindowTokens !== undefined && { context_window: contextWindowTokens }),
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    ...(region !== undefined && { region }),
    ...(tags !== undefined && { tags: [...tags] }),
  }
}

function pricing({ price }: Arm): NonNullable<ModelReply['pricing']> {
  const { cachedInputUsdPerMtok, cacheWriteUsdPerMtok } = price
  return {
    input_usd_per_mtok: price.inputUsdPerMtok,
    output_usd_per_mtok: price.outputUsdPerMtok,
    ...(cachedInputUsdPerMtok !== undefined && { cached_input_usd_per_mtok: cachedInputUsdPerMtok }),
    ...(cacheWriteUsdPerMtok !== undefined && { cache_write_usd_per_mtok: cacheWriteUsdPerMtok }),
  }
}
