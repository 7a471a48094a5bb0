import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { END_REASON, type Flight, InFlight } from '../../server/resilience/in-flight.ts'

/** As much of a response as tells when it is over. */
function response(): ServerResponse {
  return Object.assign(new EventEmitter(), { writableFinished: true, shouldKeepAlive: true }) as never
}

test('flights are known from their entry to their end, in whatever order they end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 60 }), (moves) => {
      const inFlight = new InFlight()
      const running: { readonly flight: Flight; readonly response: ServerResponse }[] = []
      const left: Flight[] = []
      for (const move of moves) {
        if (move % 2 === 0) {
          const own = response()
          running.push({ flight: inFlight.enter(own, (flight) => left.push(flight)), response: own })
        } else if (running.length > 0) {
          const [over] = running.splice(move % running.length, 1)
          over?.response.emit('close')
          assert.equal(left.at(-1), over?.flight)
        }
        assert.equal(inFlight.count, running.length)
      }
      inFlight.leave()
      assert.ok(running.every((each) => !each.response.shouldKeepAlive))
      inFlight.endAll()
      assert.ok(running.every(({ flight }) => flight.ended === END_REASON.shutdown))
      assert.ok(left.every(({ ended }) => ended === undefined))
    }),
    { numRuns: 300, seed: 20261128 },
  )
})

test('ending all of them reaches each, also where an end takes others out', () => {
  const inFlight = new InFlight()
  const responses = Array.from({ length: 5 }, response)
  const flights = responses.map((own) => inFlight.enter(own, () => {}))
  flights[0]?.addEventListener('abort', () => {
    for (const own of responses.slice(0, 3)) own.emit('close')
  })
  inFlight.endAll()
  assert.ok(flights.every(({ aborted }) => aborted))
  assert.equal(inFlight.count, 2)
})
