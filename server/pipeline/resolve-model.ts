/** What the caller named → the arms that may answer and how one of them is chosen. */

import { nearest } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import type { Tenant, VirtualModel } from '../registry.ts'
import { DEFAULT_PREFERENCES, type RegistryView } from '../registry-view.ts'

/** What a request that names no model gets. */
export const DEFAULT_MODEL = 'auto'
/** An error message names at most so many models; `GET /v1/models` has all. */
const NAMES_LISTED_MAX = 20

/**
 * @param models OpenRouter's fallback list: tried in its order, after `model` when that is given too
 * @param tenant who asks: the error lists what is open to them. @default everything
 * @throws {ServerError} 404 `model_not_found`
 */
export function resolveModel(
  view: RegistryView,
  model: string | undefined,
  models: readonly string[] | undefined,
  tenant?: Tenant,
): VirtualModel {
  if (models === undefined) return find(view, model ?? DEFAULT_MODEL, tenant)
  const named = model === undefined ? models : [model, ...models]
  const order = [...new Set(named.flatMap((name) => find(view, name, tenant).arms))]
  return {
    name: named.join(','),
    arms: order,
    policy: { name: 'priority', order },
    preferences: DEFAULT_PREFERENCES,
    constraints: {},
    floor: 0,
    switchMargin: 0,
    explore: true,
  }
}

function find(view: RegistryView, name: string, tenant: Tenant | undefined): VirtualModel {
  const model = view.model(name)
  if (model !== undefined) return model
  const known = view.namesOpenTo(tenant)
  const closest = nearest(name, known)
  const listed = closest === undefined ? known : [closest, ...known.filter((other) => other !== closest)]
  const more = listed.length > NAMES_LISTED_MAX ? `, and ${listed.length - NAMES_LISTED_MAX} more` : ''
  const hint =
    known.length > 0
      ? `Known are ${listed.slice(0, NAMES_LISTED_MAX).join(', ')}${more}`
      : view.registry.arms.size > 0
        ? 'None is open to this tenant'
        : 'There are none: no arms are configured'
  throw serverError('model_not_found', `There is no model "${name}". ${hint}.`, {
    param: 'model',
    shouldRetry: false,
  })
}
