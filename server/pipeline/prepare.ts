/** A validated body and its headers → a task: what is asked for, by whom, with which wishes, described in numbers. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ChatRequest } from '../../adapters/index.ts'
import type { Capability } from '../../engine/index.ts'
import type { Assigned } from '../policies/slot.ts'
import { userHash } from '../privacy/user-hash.ts'
import type { Tenant } from '../registry.ts'
import type { RegistryView } from '../registry-view.ts'
import type { ChatBody } from '../routes/schemas/chat.ts'
import type { Services } from '../services.ts'
import { conversationKeys } from './conversations.ts'
import { describe } from './describe.ts'
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
  const model = resolveModel(view, modelName, models)
  const wishes = readExtensions(view, tenant, model, highwayman, headers)
  const needed = neededCapabilities(request, streams)
  const user = userHash(tenant.name, body.safety_identifier ?? body.user)
  const described = await describe(services, request, wishes.requestClass)
  const source = { tenant: tenant.name, session: wishes.session, userHash: user, requestId }
  const [{ facts }] = described
  // What judges ask is not traffic.
  const enrolment =
    surface === 'judge'
      ? undefined
      : services.experiments.enrol(model, facts.requestClass, source, services.clock.nowMs())
  const assigned = enrolment?.assigned ?? services.slots.assign(model, source)
  return {
    requestId,
    surface,
    tenant,
    view,
    requestedModel: models === undefined ? (modelName ?? DEFAULT_MODEL) : model.name,
    model,
    assigned,
    enrolment,
    preferences: wishes.preferences,
    constraints:
      needed.length === 0 ? wishes.constraints : narrow(wishes.constraints, { capabilities: needed }),
    explore: wishes.explore,
    rulings: wishes.rulings,
    ...factsOf(assigned, described),
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

/** One space, as nearly always: nothing is sorted out. */
function factsOf(
  { slot }: Assigned,
  described: Awaited<ReturnType<typeof describe>>,
): Pick<Task, 'facts' | 'alsoFacts'> {
  const [first, ...others] = described
  if (others.length === 0) return { facts: first.facts, alsoFacts: others }
  const { id } = slot.router.featureSpace
  const own = described.find(({ space }) => space.id === id) ?? first
  return { facts: own.facts, alsoFacts: described.filter((each) => each !== own) }
}

/** What the request needs besides tools, vision and schemas, which the engine reads off the facts. */
function neededCapabilities(request: ChatRequest, streams: boolean): readonly Capability[] {
  const needed: Capability[] = []
  if (streams) needed.push('streaming')
  if (request.response_format?.type === 'json_object') needed.push('json-object')
  if (request['logprobs'] === true) needed.push('logprobs')
  return needed
}
