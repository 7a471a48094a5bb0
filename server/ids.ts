import type { DecisionId } from '../engine/index.ts'
import type { Clock, Ids } from './deps.ts'

/** An id takes 4 bytes for where its millisecond's sequence begins, and 6 for its end. */
const RANDOM_BYTES_PER_ID = 10
/** Random bytes are drawn for so many ids at a time: a call per id would cost more than the rest of it. */
const IDS_PER_DRAW = 256
const SEQUENCE_MAX = 2 ** 32 - 1
const TIME_BYTES = 6
const HEX_DIGITS = Buffer.from('0123456789abcdef')
const TEMPLATE = '00000000-0000-7000-8000-000000000000'
/** Where the two digits of each byte begin. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/**
 * UUIDv7 with a 32-bit sequence (RFC 9562, 6.2, method 1): ids of one millisecond, and those after a step back of the
 * clock, still ascend.
 *
 * Written here, into one buffer: a request has two ids, and their text would otherwise cost it as much as its vector does.
 *
 * @param randomBytes returns that many fresh random bytes
 */
export function createIds(clock: Clock, randomBytes: (count: number) => Uint8Array): Ids {
  const text = Buffer.from(TEMPLATE)
  let pool: Uint8Array = new Uint8Array(0)
  let at = 0
  let lastMs = -1
  let sequence = 0

  function drawRandom(): void {
    at += RANDOM_BYTES_PER_ID
    if (at + RANDOM_BYTES_PER_ID <= pool.length) return
    pool = randomBytes(RANDOM_BYTES_PER_ID * IDS_PER_DRAW)
    at = 0
  }

  function write(position: number, byte: number): void {
    const place = PLACES[position] ?? 0
    text[place] = HEX_DIGITS[(byte >>> 4) & 0xf] ?? 0
    text[place + 1] = HEX_DIGITS[byte & 0xf] ?? 0
  }

  function beginMillisecond(ms: number): void {
    lastMs = ms
    for (let i = TIME_BYTES - 1, rest = ms; i >= 0; i--, rest = Math.floor(rest / 256)) write(i, rest % 256)
  }

  return {
    next() {
      drawRandom()
      const nowMs = Math.floor(clock.nowMs())
      if (nowMs > lastMs) {
        beginMillisecond(nowMs)
        // The top bit stays free, so that a millisecond holds at least 2³¹ ids.
        sequence = new DataView(pool.buffer, pool.byteOffset).getUint32(at) >>> 1
      } else if (sequence < SEQUENCE_MAX) {
        sequence++
      } else {
        beginMillisecond(lastMs + 1)
        sequence = 0
      }
      write(6, 0x70 | (sequence >>> 28))
      write(7, sequence >>> 20)
      write(8, 0x80 | ((sequence >>> 14) & 0x3f))
      write(9, sequence >>> 6)
      write(10, (sequence << 2) | ((pool[at + 4] ?? 0) & 0x3))
      for (let i = 5; i < RANDOM_BYTES_PER_ID; i++) write(i + 6, pool[at + i] ?? 0)
      return text.toString('latin1') as DecisionId
    },
  }
}
