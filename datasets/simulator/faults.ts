/** What can go wrong with a simulated arm, on demand. */
import { z } from 'zod'
import { describeFirstIssue } from '../issues.ts'
import { randomStream } from '../random.ts'
import { SimulatorError } from './errors.ts'

export const FAULT_STATUSES = [400, 429, 500, 503, 529] as const
const MAX_RETRY_AFTER_MS = 24 * 3_600_000

const probability = z
  .number('expected a probability in (0, 1]')
  .gt(0, 'expected a probability in (0, 1]')
  .max(1, 'expected a probability in (0, 1]')
  .optional()

const faultSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('down'), probability }),
    z.strictObject({
      kind: z.literal('status'),
      status: z.literal(FAULT_STATUSES, `expected one of ${FAULT_STATUSES.join(', ')}`),
      retryAfterMs: z
        .int('expected ms ≥ 0')
        .min(0, 'expected ms ≥ 0')
        .max(MAX_RETRY_AFTER_MS, 'expected at most a day')
        .optional(),
      probability,
    }),
    z.strictObject({ kind: z.literal('hang'), probability }),
    z.strictObject({
      kind: z.literal('cut'),
      afterChunks: z.int('expected a whole number ≥ 0').min(0, 'expected a whole number ≥ 0'),
      probability,
    }),
    z.strictObject({
      kind: z.literal('slow'),
      factor: z.number('expected a factor > 0').positive('expected a factor > 0'),
      probability,
    }),
  ],
  'expected kind to be down, status, hang, cut or slow',
)

/**
 * - `down`: the socket is closed before any byte of an answer.
 * - `status`: an error of this status in the dialect's own shape, with its retry hint.
 * - `hang`: no answer, ever; the socket stays open.
 * - `cut`: the socket is closed after that many chunks of a stream, or in the middle of a plain answer.
 * - `slow`: all times are multiplied by `factor`; nothing happens where the latency is off.
 *
 * `probability`: the share of requests it strikes, each decided by the simulator's seed and the request's number. @default 1
 */
export type Fault = Readonly<z.infer<typeof faultSchema>>

/** @throws {SimulatorError} `simulator_bad_fault` naming the field and what was found */
export function parseFault(input: unknown): Fault {
  const parsed = faultSchema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new SimulatorError('simulator_bad_fault', `fault: ${describeFirstIssue(parsed.error, input)}`)
}

/** Whether a fault strikes an arm's `requestNumber`-th request. */
export function strikes(fault: Fault, seed: number, armId: string, requestNumber: number): boolean {
  if (fault.probability === undefined || fault.probability === 1) return true
  return randomStream(seed, 'fault', armId, requestNumber).uniform() < fault.probability
}
