/** The queue alone, over inserts that succeed and fail on command. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWriteQueue, DRAIN_TRIES_MAX, type QueueItem } from '../../adapters/clickhouse/write-queue.ts'

const refusal = Object.assign(new Error('Cannot parse input'), { code: '27' })
const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

function setUp() {
  const log: string[] = []
  const failures: boolean[] = []
  const queue = createWriteQueue({
    retryFirstMs: 1,
    retryMaxMs: 2,
    onFailure: (_error, _item, willRetry) => failures.push(willRetry),
  })
  /** An item that meets `outcomes` one try after the other, then succeeds. */
  const item = (name: string, ...outcomes: Error[]): QueueItem => ({
    rows: 10,
    holds: (id) => id === name,
    write: async () => {
      log.push(name)
      const outcome = outcomes.shift()
      if (outcome !== undefined) throw outcome
    },
    settle: (error) => log.push(`${name} ${error === undefined ? 'written' : (error as Error).message}`),
  })
  const counts = () => [queue.rows, queue.writtenRows, queue.failedBatches, queue.droppedRows]
  return { log, failures, queue, item, counts }
}

test('items are written in order, one at a time', async () => {
  const { queue, item, log, counts } = setUp()
  queue.push(item('a'))
  queue.push(item('b'))
  assert.deepEqual(counts(), [20, 0, 0, 0])
  assert.ok(queue.holds('a') && queue.holds('b') && !queue.holds('c'))
  await queue.drain()
  assert.deepEqual(log, ['a', 'a written', 'b', 'b written'])
  assert.deepEqual(counts(), [0, 20, 0, 0])
  assert.ok(!queue.holds('a'))
})

test('a failing item is tried again before the next', async () => {
  const { queue, item, log, failures, counts } = setUp()
  queue.push(item('a', away, away))
  queue.push(item('b'))
  await queue.drain()
  assert.deepEqual(log, ['a', 'a', 'a', 'a written', 'b', 'b written'])
  assert.deepEqual(failures, [true, true])
  assert.deepEqual(counts(), [0, 20, 2, 0])
})

test('a refused item is given up and the next one goes on', async () => {
  const { queue, item, log, failures, counts } = setUp()
  queue.push(item('a', refusal))
  queue.push(item('b'))
  await queue.drain()
  assert.deepEqual(log, ['a', 'a Cannot parse input', 'b', 'b written'])
  assert.deepEqual(failures, [false])
  assert.deepEqual(counts(), [0, 10, 1, 10])
})

test('a drain ends after a few failures in a row, and the items stay', async () => {
  const { queue, item, counts } = setUp()
  queue.push(item('a', ...Array.from({ length: DRAIN_TRIES_MAX + 1 }, () => away)))
  await queue.drain()
  assert.deepEqual(counts(), [10, 0, DRAIN_TRIES_MAX, 0])
  await queue.drain()
  assert.deepEqual(counts(), [0, 10, DRAIN_TRIES_MAX + 1, 0])
})

test('a drain does not wait for what comes after it', async () => {
  const { queue, item, log } = setUp()
  queue.push(item('a'))
  const drained = queue.drain()
  queue.push(item('b', away, away, away, away, away, away))
  await drained
  assert.ok(log.includes('a written') && !log.includes('b written'))
  queue.abandon(new Error('end'))
})

test('a drain of nothing ends at once', async () => {
  await setUp().queue.drain()
})

test('abandoned items are told why, counted, and not written later', async () => {
  const { queue, item, log, counts } = setUp()
  queue.push(item('a', away, away, away))
  queue.push(item('b'))
  await queue.drain()
  queue.abandon(new Error('closed'))
  assert.deepEqual(log.slice(-2), ['a closed', 'b closed'])
  assert.deepEqual(counts(), [0, 0, DRAIN_TRIES_MAX, 20])
  const length = log.length
  queue.push(item('c'))
  await queue.drain()
  assert.deepEqual(log.slice(length), ['c', 'c written'])
})
