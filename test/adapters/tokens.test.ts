import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { Tiktoken } from 'tiktoken/lite'
import { createTokenCounter } from '../../adapters/serving.ts'
import { NEW_LENGTH_MAX, PIECE_LENGTH_MAX, READ_LENGTH_MAX } from '../../adapters/tokens.ts'

const require = createRequire(import.meta.url)
const counter = createTokenCounter()
const reference = new Map(
  (['o200k_base', 'cl100k_base'] as const).map((name) => {
    const { bpe_ranks, special_tokens, pat_str } = require(`tiktoken/encoders/${name}.json`)
    return [name, new Tiktoken(bpe_ranks, special_tokens, pat_str)] as const
  }),
)
after(() => {
  counter.close()
  for (const encoder of reference.values()) encoder.free()
})

/** A counter whose encoder writes down what it is given; a token for every four units. */
function recording() {
  const given: string[] = []
  const encoder = {
    encode_ordinary(text: string) {
      given.push(text)
      return { length: Math.ceil(text.length / 4) }
    },
    free() {},
  }
  return { given, counter: createTokenCounter(() => ({ pattern: /\S+|\s+/gu, encoder })) }
}

describe('counting tokens', () => {
  it('agrees with the whole encoder on text of any language, for both vocabularies', () => {
    const word = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        'It',
        "'s",
        "DON'T",
        'ſ',
        '\u0085',
        '\uFEFF',
        '\n',
        ' \n ',
        '\t',
        '12345',
        'Ünïcödé',
        '日本語',
        '🙂',
        '//',
      ),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.constantFrom('', ' ', '  ', '\n'), (words, space) => {
        const text = words.join(space)
        for (const [name, encoder] of reference) {
          const exact = encoder.encode_ordinary(text).length
          // A piece longer than a slice may differ by one for each cut.
          const cuts = Math.floor(text.length / PIECE_LENGTH_MAX)
          assert.ok(
            Math.abs(counter.countText(text, name) - exact) <= cuts,
            `${name}: ${JSON.stringify(text)}`,
          )
        }
      }),
      { numRuns: 400, seed: 20261122 },
    )
  })

  it('is exact on prose, and the same the second time', () => {
    const prose = 'A contextual bandit learns, from partial feedback, which of several arms to pull. '.repeat(
      40,
    )
    const exact = reference.get('o200k_base')!.encode_ordinary(prose).length
    assert.equal(counter.countText(prose), exact)
    assert.equal(counter.countText(prose), exact)
  })

  it('counts nothing for nothing', () => assert.equal(counter.countText(''), 0))

  it('counts the marks around messages, names, calls and pictures', () => {
    const hello = counter.countMessages([{ role: 'user', content: 'Hello' }])
    assert.equal(hello, 3 + 1 + 1 + 3)
    const named = counter.countMessages([{ role: 'user', content: 'Hello', name: 'bob' }])
    assert.equal(named, hello + 1 + counter.countText('bob'))
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const
    const seen = counter.countMessages([
      { role: 'user', content: [{ type: 'text', text: 'Hello' }, picture] },
    ])
    assert.equal(seen, hello + 765, 'a flat guess, not its base64')
    const call = {
      id: 'c',
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Oslo"}' },
    } as const
    const called = counter.countMessages([{ role: 'assistant', content: null, tool_calls: [call] }])
    assert.equal(called, 3 + 3 + 1 + 3 + counter.countText('weather') + counter.countText('{"city":"Oslo"}'))
  })

  it('throws after it was closed', () => {
    const { counter: closing } = recording()
    closing.close()
    assert.throws(() => closing.countText('x'), /closed/)
  })
})

describe('the time that counting may take', () => {
  it('never hands the encoder a long piece', () => {
    const { given, counter: recorded } = recording()
    recorded.countText('a'.repeat(10_000))
    assert.equal(Math.max(...given.map((piece) => piece.length)), PIECE_LENGTH_MAX)
  })

  it('never hands the encoder more than its budget of new text, whatever the text is', () => {
    const alphabet = fc.constantFrom('a', 'ab', 'é', '語', '🙂', ' ', '\n', '    ', '!!', '0')
    fc.assert(
      fc.property(fc.array(alphabet, { minLength: 1, maxLength: 20 }), fc.nat(200_000), (units, length) => {
        const { given, counter: recorded } = recording()
        const unit = units.join('')
        const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
        const tokens = recorded.countText(text)
        const handed = given.reduce((sum, piece) => sum + piece.length, 0)
        assert.ok(handed <= NEW_LENGTH_MAX, `${handed} units were handed over`)
        assert.ok(given.every((piece) => piece.length <= PIECE_LENGTH_MAX))
        assert.ok(Number.isInteger(tokens) && tokens >= 0)
      }),
      { numRuns: 60, seed: 20261122 },
    )
  })

  it('hands a word over once', () => {
    const { given, counter: recorded } = recording()
    recorded.countText('one two one two one')
    recorded.countText('two one')
    assert.deepEqual(given.toSorted(), [' ', 'one', 'two'])
  })

  it('reads a long text once, unless it had to estimate', () => {
    const { given, counter: recorded } = recording()
    // Words too long to be remembered.
    const words = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.padEnd(40, 'x')).join(' ')
    const first = recorded.countText(words(100))
    assert.equal(given.length, 101, 'a hundred words and the space')
    assert.equal(recorded.countText(words(100)), first)
    assert.equal(given.length, 101)
    recorded.countText(words(1_000))
    const handed = given.length
    recorded.countText(words(1_000))
    assert.ok(given.length > handed, 'an estimate is not kept')
  })

  it('forgets words that do not come again, and keeps those that do', () => {
    const { given, counter: recorded } = recording()
    for (let block = 0; block < 40; block++) {
      recorded.countText('always')
      recorded.countText(Array.from({ length: 2_500 }, (_, index) => `${block}x${index}`).join(' '))
    }
    assert.equal(given.filter((piece) => piece === 'always').length, 1)
    recorded.countText('0x1')
    assert.equal(given.filter((piece) => piece === '0x1').length, 2)
  })

  it('estimates the rest of a text that is too long from what it read', () => {
    const { counter: recorded } = recording()
    const length = READ_LENGTH_MAX * 4
    const estimate = recorded.countText('abcd'.repeat(length / 4))
    assert.ok(Math.abs(estimate - length / 4) < length / 400, String(estimate))
  })
})
