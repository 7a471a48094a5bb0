import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ByteFramer } from '../../adapters/providers/byte-framer.ts'
import { EVENT_LENGTH_MAX } from '../../adapters/providers/framer.ts'
import { createJsonFramer } from '../../adapters/providers/json-framer.ts'

describe('JSON objects in a body', () => {
  it('come out of an array, of lines and of nothing around them, cut anywhere', () => {
    const object = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.object()),
    )
    const layout = fc.constantFrom(
      (items: readonly string[]) => `[${items.join(',\n')}]`,
      (items: readonly string[]) => items.join('\n'),
      (items: readonly string[]) => items.join(''),
    )
    fc.assert(
      fc.property(
        fc.array(object, { minLength: 1, maxLength: 5 }),
        layout,
        fc.nat(400),
        (objects, lay, point) => {
          const body = lay(objects.map((item) => JSON.stringify(item)))
          const framer = createJsonFramer('arm')
          const at = Math.min(point, body.length)
          const events = [...framer.push(body.slice(0, at)), ...framer.push(body.slice(at)), ...framer.end()]
          assert.deepEqual(
            events.map((event) => JSON.parse(event.data)),
            objects.map((item) => JSON.parse(JSON.stringify(item))),
          )
        },
      ),
      { numRuns: 300, seed: 20261122 },
    )
  })

  it('that never close are no event, and bounded', () => {
    const framer = createJsonFramer('arm')
    assert.deepEqual([...framer.push('{"a":1'), ...framer.end()], [])
    assert.throws(() => framer.push('x'.repeat(EVENT_LENGTH_MAX)), { code: 'upstream_bad_output' })
  })

  it('are told from events by the first character, after blanks and a byte order mark', () => {
    const read = (text: string) => {
      const framer = new ByteFramer('arm')
      return [...framer.push(Buffer.from(text)), ...framer.end()].map((event) => event.data)
    }
    assert.deepEqual(read('\uFEFF\n\n {"a":1}'), ['{"a":1}'])
    assert.deepEqual(read('\uFEFFdata: {"a":1}'), ['{"a":1}'])
    assert.deepEqual(read('\n \n'), [])
  })
})
