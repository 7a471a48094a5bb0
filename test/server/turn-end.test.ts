import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TurnEnd } from '../../server/turn-end.ts'

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
    await turn.request()
    assert.deepEqual(seen, ['answer', 'record'])
    await turn.request()
    assert.deepEqual(seen, ['answer', 'record', 'later'])
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
