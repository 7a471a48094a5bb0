import { v7 } from 'uuid'
import type { DecisionId } from '../engine/index.ts'
import type { Clock, Ids } from './deps.ts'

const BYTES_PER_ID = 16
/** Random bytes are drawn for so many ids at a time: a call per id would cost more than the rest of it. */
const IDS_PER_DRAW = 256
const SEQUENCE_MAX = 2 ** 32 - 1

/**
 * UUIDv7 with a 32-bit sequence (RFC 9562, 6.2, method 1): ids of one millisecond, and those after a step back of the
 * clock, still ascend.
 *
 * @param randomBytes returns that many fresh random bytes
 */
export function createIds(clock: Clock, randomBytes: (count: number) => Uint8Array): Ids {
  let pool: Uint8Array = new Uint8Array(0)
  let at = 0
  let lastMs = -1
  let sequence = 0

  function drawRandom(): Uint8Array {
    if (at + BYTES_PER_ID > pool.length) {
      pool = randomBytes(BYTES_PER_ID * IDS_PER_DRAW)
      at = 0
    }
    at += BYTES_PER_ID
    return pool.subarray(at - BYTES_PER_ID, at)
  }

  return {
    next() {
      const random = drawRandom()
      const nowMs = Math.floor(clock.nowMs())
      if (nowMs > lastMs) {
        lastMs = nowMs
        // The top bit stays free, so that a millisecond holds at least 2³¹ ids.
        sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1
      } else if (sequence < SEQUENCE_MAX) {
        sequence++
      } else {
        lastMs++
        sequence = 0
      }
      return v7({ msecs: lastMs, seq: sequence, random }) as DecisionId
    },
  }
}
