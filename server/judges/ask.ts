/** One question to a judge, by the way of any other request: decided, failed over, recorded, billed to the judge. */
import { performance } from 'node:perf_hooks'
import type { ChatRequest } from '../../adapters/index.ts'
import type { ArmId } from '../../engine/index.ts'
import { billOf } from '../pipeline/bill.ts'
import { callArms } from '../pipeline/call.ts'
import { type Leg, newTrail } from '../pipeline/leg.ts'
import { prepare } from '../pipeline/prepare.ts'
import { recordAnswered } from '../pipeline/record.ts'
import { ownMs } from '../pipeline/respond.ts'
import type { Judge, Tenant } from '../registry.ts'
import type { Flight } from '../resilience/in-flight.ts'
import type { ChatBody } from '../routes/schemas/chat.ts'
import type { Services } from '../services.ts'

export interface JudgesReply {
  readonly text: string
  readonly costUsd: number
  /** That judged. */
  readonly arm: ArmId
}

/** @throws {ServerError} as a chat request does */
export async function askJudge(
  services: Services,
  { model }: Pick<Judge, 'model'>,
  tenant: Tenant,
  request: ChatRequest,
  deny: readonly string[],
  flight: Flight,
): Promise<JudgesReply> {
  // Made here and not sent by anybody: it has the shape that the schema would have checked.
  const body = { ...request, model, ...(deny.length > 0 && { highwayman: { deny } }) } as ChatBody
  const requestId = services.ids.next()
  const task = await prepare(services, services.view(), {
    requestId,
    surface: 'judge',
    tenant,
    headers: {},
    body,
  })
  const trail = newTrail()
  const attempt = ({ provider, call }: Leg) => provider.chat(call)
  return await callArms(services, task, flight, trail, attempt, (leg, { response, usage, finish }) => {
    const totalMs = performance.now() - leg.startedAt
    const overheadMs = ownMs(flight.sinceReceivedMs, trail.upstreamMs)
    const text = response.choices[0]?.message.content ?? ''
    const bill = billOf(usage, leg.arm.arm.price, task.facts.promptTokens, () => text, services.tokens)
    recordAnswered(services, task, leg, { bill, finish, ttftMs: undefined, totalMs, overheadMs })
    return { text, costUsd: bill.costUsd, arm: leg.decision.arm }
  })
}
