/** Answers a chat request in one piece. */
import { performance } from 'node:perf_hooks'
import type { FastifyReply } from 'fastify'
import type { ChatResponse, ChatResult } from '../../adapters/index.ts'
import type { Flight } from '../resilience/in-flight.ts'
import type { Services } from '../services.ts'
import { billOf, usageBody } from './bill.ts'
import { callArms } from './call.ts'
import { type Leg, newTrail, type Trail } from './leg.ts'
import { recordAnswered } from './record.ts'
import { completionId, decisionHeaders, extensionBody, ownMs } from './respond.ts'
import type { Task } from './task.ts'

/** @throws {ServerError} */
export async function answerWhole(
  services: Services,
  task: Task,
  flight: Flight,
  reply: FastifyReply,
): Promise<void> {
  const trail = newTrail()
  const attempt = ({ provider, call }: Leg) => provider.chat(call)
  await callArms(services, task, flight, trail, attempt, (leg, result) => {
    send(services, task, flight, trail, reply, leg, result)
  })
}

function send(
  services: Services,
  task: Task,
  flight: Flight,
  trail: Trail,
  reply: FastifyReply,
  leg: Leg,
  result: ChatResult,
): void {
  const totalMs = performance.now() - leg.startedAt
  const { decision, arm } = leg
  const { response, usage, finish, warnings } = result
  const answerText = () => textOf(response)
  const bill = billOf(usage, arm.arm.price, task.facts.promptTokens, answerText, services.tokens)
  const body = JSON.stringify({
    ...response,
    id: completionId(decision),
    object: 'chat.completion',
    created: Math.floor(decision.atMs / 1_000),
    model: decision.arm,
    usage: usageBody(bill, response['usage']),
    highwayman: extensionBody(decision, [...task.warnings, ...warnings]),
  })
  const bytes = Buffer.byteLength(body)
  const overheadMs = ownMs(flight.sinceReceivedMs, trail.upstreamMs)
  const headers = decisionHeaders(decision, leg.index + 1)
  headers.push(
    'x-request-id',
    task.requestId,
    'x-highwayman-cost-usd',
    String(bill.costUsd),
    'x-highwayman-overhead-ms',
    overheadMs.toFixed(3),
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(bytes),
  )
  // Whole and ready as it is: there is nothing that fastify would add, and no hook that wants to see it.
  reply.hijack()
  // Where each character is a byte, writing the text is copying it.
  const encoding = bytes === body.length ? 'latin1' : 'utf8'
  services.turnEnd.answer(() => reply.raw.writeHead(200, headers).end(body, encoding))
  recordAnswered(services, task, leg, { bill, finish, ttftMs: undefined, totalMs, overheadMs })
  services.reviews.of(task, decision)?.whole(response)
}

/** What the answer's tokens are made of. */
function textOf({ choices }: ChatResponse): string {
  return choices
    .map(({ message }) =>
      [
        message.reasoning_content ?? '',
        message.content ?? '',
        ...(message.tool_calls ?? []).map(
          (call) => `${call.function?.name ?? ''}${call.function?.arguments ?? ''}`,
        ),
      ].join(''),
    )
    .join('')
}
