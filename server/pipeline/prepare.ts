/** A validated body and its headers → a task: what is asked for, by whom, with which wishes, described in numbers. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ChatRequest } from '../../adapters/index.ts'
import type { Capability, FeatureSpace } from '../../engine/index.ts'
import type { PolicySlots } from '../policies/policy-slots.ts'
import type { Assigned } from '../policies/slot.ts'
import { userHash } from '../privacy/user-hash.ts'
import type { Tenant } from '../registry.ts'
import type { RegistryView } from '../registry-view.ts'
import type { ChatBody } from '../routes/schemas/chat.ts'
import type { Services } from '../services.ts'
import { conversationKeys } from './conversations.ts'
import { type Described, describe, factsIn, withEmbedding } from './describe.ts'
import { narrow, readExtensions } from './read-extensions.ts'
import { DEFAULT_MODEL, resolveModel } from './resolve-model.ts'
import type { Task } from './task.ts'

export interface Incoming {
  readonly requestId: string
  readonly surface: Task['surface']
  readonly tenant: Tenant
  readonly headers: IncomingHttpHeaders
  readonly body: ChatBody
}

/** @throws {ServerError} as a rejection: 404 `model_not_found`, 400 `invalid_request` */
export async function prepare(services: Services, view: RegistryView, incoming: Incoming): Promise<Task> {
  const { requestId, surface, tenant, headers, body } = incoming
  const { model: modelName, models, stream, highwayman, ...rest } = body
  // The schema has checked what the type promises; zod's output types do not tell absent from undefined.
  const request = rest as ChatRequest
  const streams = stream === true
  const model = resolveModel(view, modelName, models, tenant)
  const wishes = readExtensions(view, tenant, model, highwayman, headers)
  const needed = neededCapabilities(request, streams)
  const user = userHash(tenant.name, body.safety_identifier ?? body.user)
  const read = describe(services, request, wishes.requestClass)
  const { embeddings } = services
  const described = embeddings === undefined ? read : await withEmbedding(read, embeddings)
  const assigned = services.slots.assign(model, {
    tenant: tenant.name,
    session: wishes.session,
    userHash: user,
    requestId,
    requestClass: described.facts.requestClass,
    isJudge: surface === 'judge',
  })
  return {
    requestId,
    surface,
    tenant,
    view,
    requestedModel: models === undefined ? (modelName ?? DEFAULT_MODEL) : model.name,
    model,
    assigned,
    preferences: wishes.preferences,
    constraints:
      needed.length === 0 ? wishes.constraints : narrow(wishes.constraints, { capabilities: needed }),
    explore: wishes.explore,
    rulings: wishes.rulings,
    ...factsOf(services.slots, assigned, described),
    request,
    stream: streams,
    session: wishes.session,
    userHash: user,
    conversation:
      model.arms.length > 1 ? conversationKeys(tenant.name, wishes.session, request.messages) : undefined,
    metadata: wishes.metadata,
    warnings: wishes.warnings,
  }
}

/** In the turn of the assignment: what serves, and looks at requests in which spaces, may be other in the next. */
function factsOf(
  { spaces }: PolicySlots,
  { slot }: Assigned,
  described: Described,
): Pick<Task, 'facts' | 'alsoFacts'> {
  const [base, ...others] = spaces
  if (others.length === 0) return { facts: described.facts, alsoFacts: NO_OTHERS }
  const own = slot.router.featureSpace
  const factsFor = (space: FeatureSpace) =>
    space.id === base.id ? described.facts : factsIn(space, described)
  return {
    facts: factsFor(own),
    alsoFacts: spaces.filter(({ id }) => id !== own.id).map((space) => ({ space, facts: factsFor(space) })),
  }
}

const NO_OTHERS: Task['alsoFacts'] = []

/** What the request needs besides tools, vision and schemas, which the engine reads off the facts. */
function neededCapabilities(request: ChatRequest, streams: boolean): readonly Capability[] {
  const needed: Capability[] = []
  if (streams) needed.push('streaming')
  if (request.response_format?.type === 'json_object') needed.push('json-object')
  if (request['logprobs'] === true) needed.push('logprobs')
  return needed
}
