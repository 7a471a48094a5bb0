/** Under whose name examples are written. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createContributor } from '../../adapters/clickhouse/contributor.ts'

const stored = async (): Promise<void> => {}

describe('a contributor', () => {
  test('has a name that nobody has again, not even the same replica in its next life', () => {
    const names = Array.from({ length: 50 }, () => createContributor('gateway-1').name())
    assert.equal(new Set(names).size, 50)
    assert.ok(names.every((name) => name.startsWith('gateway-1~')))
  })

  test('holds its earlier name until what was written under it is stored', async () => {
    const contributor = createContributor('r')
    const first = contributor.name()
    const storing = Promise.withResolvers<void>()
    const over = contributor.handOver(
      () => assert.notEqual(contributor.name(), first),
      () => storing.promise,
    )
    await nextTurn()
    await nextTurn()
    assert.deepEqual(contributor.heldNames(), [contributor.name(), first])
    storing.resolve()
    await over
    assert.deepEqual(contributor.heldNames(), [contributor.name()])
  })

  test('an earlier name is let go with a later one when it could not be before', async () => {
    const contributor = createContributor('r')
    await assert.rejects(
      contributor.handOver(
        () => {},
        () => Promise.reject(new Error('closed')),
      ),
    )
    assert.equal(contributor.heldNames().length, 2)
    await contributor.handOver(() => {}, stored)
    assert.deepEqual(contributor.heldNames(), [contributor.name()])
  })

  test('what is written and learned is under one name: no switch comes between, and none is waited for in vain', async () => {
    const contributor = createContributor('r')
    const writing = Promise.withResolvers<void>()
    const learned: [wrote: string, learns: string][] = []
    const write = async (until: Promise<void>): Promise<void> => {
      let wrote = ''
      await contributor.write(async () => {
        wrote = contributor.name()
        await until
      })
      learned.push([wrote, contributor.name()])
    }
    const before = contributor.name()
    const first = write(writing.promise)
    const over = contributor.handOver(() => {}, stored)
    const second = write(Promise.resolve())
    await nextTurn()
    assert.equal(contributor.name(), before, 'a write is under way')
    assert.deepEqual(learned, [])
    writing.resolve()
    await Promise.all([first, over, second])
    const after = contributor.name()
    assert.notEqual(after, before)
    assert.deepEqual(learned, [
      [before, before],
      [after, after],
    ])
  })

  test('does not know what is stored after a write that failed, until it has handed over', async () => {
    const contributor = createContributor('r')
    await assert.rejects(contributor.write(() => Promise.reject(new Error('no answer'))))
    assert.equal(contributor.isDoubtful, true)
    await contributor.handOver(() => {}, stored)
    assert.equal(contributor.isDoubtful, false)
  })
})
