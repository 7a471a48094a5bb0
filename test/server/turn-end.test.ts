import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TurnEnd } from '../../server/turn-end.ts'

/** Armed after what is tested, so that it comes after it. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the end of a turn', () => {
  it('sends answers first, then takes records, then lets requests begin, each in its order', async () => {
    const seen: string[] = []
    const turn = new TurnEnd(assert.ifError)
    const begun = turn.request().then(() => seen.push('request'))
    turn.record(() => seen.push('record 1'))
    turn.answer(() => seen.push('answer 1'))
    turn.record(() => seen.push('record 2'))
    turn.answer(() => seen.push('answer 2'))
    await Promise.resolve()
    assert.deepEqual(seen, [], 'nothing happens in the turn itself')
    await begun
    assert.deepEqual(seen, ['answer 1', 'answer 2', 'record 1', 'record 2', 'request'])
  })

  it('leaves what comes at the end to the next one', async () => {
    const seen: string[] = []
    const turn = new TurnEnd(assert.ifError)
    turn.answer(() => {
      seen.push('answer')
      turn.answer(() => seen.push('later'))
    })
    turn.record(() => seen.push('record'))
    await nextTurn()
    assert.deepEqual(seen, ['answer', 'record'])
    await nextTurn()
    assert.deepEqual(seen, ['answer', 'record', 'later'])
  })

  it('lets few requests wait for those of the next, once, where it has sent answers', async () => {
    const turn = new TurnEnd(assert.ifError)
    let begun = 0
    const come = (count: number): void => {
      for (let i = 0; i < count; i++) void turn.request().then(() => begun++)
    }
    const afterTurn = async (): Promise<number> => {
      await nextTurn()
      return begun
    }
    come(3)
    assert.equal(await afterTurn(), 3, 'nobody was answered')
    turn.answer(() => {})
    come(2)
    assert.equal(await afterTurn(), 3)
    turn.answer(() => {})
    come(4)
    assert.equal(await afterTurn(), 9, 'however few they are still')
    turn.answer(() => {})
    come(16)
    assert.equal(await afterTurn(), 25, 'enough by themselves')
    turn.answer(() => {})
    come(1)
    assert.equal(await afterTurn(), 25)
    assert.equal(await afterTurn(), 26, 'also where nobody else comes')
  })

  it('tells what was thrown, and does the rest', async () => {
    const seen: unknown[] = []
    const turn = new TurnEnd((thrown) => seen.push(thrown))
    const error = new Error('broken')
    turn.answer(() => {
      throw error
    })
    turn.record(() => seen.push('record'))
    await turn.request()
    assert.deepEqual(seen, [error, 'record'])
  })
})
