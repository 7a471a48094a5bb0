/** What must not be kept is found, what only looks alike is left, and no pattern can be made slow. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { promptOf } from '../../server/privacy/keep-prompt.ts'
import { createRedactor, problemOf, REDACTIONS, type Redaction } from '../../server/privacy/redact.ts'
import type { PromptSettings } from '../../server/registry.ts'

const all = createRedactor(REDACTIONS, [])

describe('what is found', () => {
  const finds: [Redaction, string, string][] = [
    ['email', 'write to ann.lee+x@mail.example.co.uk, please', 'write to [email], please'],
    ['email', 'ANN@EXAMPLE.COM', '[email]'],
    ['card', 'card 4111 1111 1111 1111 exp', 'card [card] exp'],
    ['card', '5500-0000-0000-0004.', '[card].'],
    ['card', 'amex 378282246310005', 'amex [card]'],
    ['iban', 'to DE89 3704 0044 0532 0130 00 today', 'to [iban] today'],
    ['iban', 'GB82WEST12345698765432', '[iban]'],
    ['phone', 'call +49 (0) 30 1234567 or', 'call [phone] or'],
    ['phone', 'call 0170-123 45 67', 'call [phone]'],
    ['phone', '+1 415 555 2671', '[phone]'],
    ['ip', 'from 192.168.10.7:', 'from [ip]:'],
    ['ip', 'at 2001:0db8:85a3:0000:0000:8a2e:0370:7334', 'at [ip]'],
    ['secret', `key sk-proj-${'a1B2'.repeat(8)} end`, 'key [secret] end'],
    ['secret', `AKIA${'ABCD1234'.repeat(2)}`, '[secret]'],
    ['secret', `ghp_${'x'.repeat(36)}`, '[secret]'],
    ['secret', `Bearer eyJ${'a'.repeat(20)}.${'b'.repeat(30)}.${'c'.repeat(30)}`, 'Bearer [secret]'],
    ['secret', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAb+/=\n-----END RSA PRIVATE KEY-----!', '[secret]!'],
  ]
  for (const [name, text, redacted] of finds) {
    test(`${name}: ${text.slice(0, 50)}`, () => {
      assert.deepEqual(createRedactor([name], [])(text), { text: redacted, count: 1 })
      assert.equal(all(text).count, 1)
    })
  }

  const left: [Redaction, string][] = [
    ['email', 'a@b, and @ann, and ann@localhost'],
    ['card', 'order 4111 1111 1111 1112, id 1234567890123'],
    ['card', '123456789'],
    ['iban', 'DE00 3704 0044 0532 0130 00, AB12 is a shelf'],
    ['phone', 'in 2024, 1,000,000 of 3.14159 on 2026-01-31 at 12:30'],
    ['ip', 'version 1.2.3, 1.2.3.4.5 and 12:30:45'],
    ['secret', 'sk-short, task-force-one, a skill'],
  ]
  for (const [name, text] of left) {
    test(`not ${name}: ${text}`, () => assert.deepEqual(createRedactor([name], [])(text), { text, count: 0 }))
  }

  test('several in one text, each by its name; none where none is asked for', () => {
    const text = 'ann@example.com and bob@example.com from 10.0.0.1'
    assert.deepEqual(all(text), { text: '[email] and [email] from [ip]', count: 3 })
    assert.deepEqual(createRedactor(['ip'], [])(text), {
      text: 'ann@example.com and bob@example.com from [ip]',
      count: 1,
    })
    assert.deepEqual(createRedactor([], [])(text), { text, count: 0 })
  })

  test('patterns of one’s own come first, and know Unicode', () => {
    const redact = createRedactor(REDACTIONS, [
      { name: 'patient', regex: '(?i)patient[ #]*[0-9]{4,}' },
      { name: 'name', regex: '\\p{Lu}ärbel' },
    ])
    assert.deepEqual(redact('Patient #12345, Bärbel, x@y.org'), {
      text: '[patient], [name], [email]',
      count: 3,
    })
  })
})

describe('patterns that cannot be', () => {
  for (const [regex, problem] of [
    ['(a)\\1', /escape/],
    ['(?=a)b', /Perl|syntax/i],
    ['(unclosed', /missing closing/],
    ['a*', /without characters/],
  ] as const) {
    test(regex, () => assert.match(problemOf(regex) ?? '', problem))
  }
  test('those that can', () => assert.equal(problemOf('(a+)+$'), undefined))
})

/** Where a pattern has two ways to read a text, one of this length is not done before the test runner gives up. */
const CHARS = 200_000

describe('no text makes a pattern slow', () => {
  const texts: Record<string, (size: number) => string> = {
    letters: (n) => 'a'.repeat(n),
    'dotted letters': (n) => 'a.'.repeat(n / 2),
    'almost an address': (n) => `${'a@b.'.repeat(n / 4)}`,
    digits: (n) => '1'.repeat(n),
    'digits apart': (n) => '1 '.repeat(n / 2),
    'digits in brackets': (n) => '(0)'.repeat(n / 3),
    colons: (n) => 'a:'.repeat(n / 2),
    'capitals and digits': (n) => 'AB12 '.repeat(n / 5),
    dashes: (n) => '-----BEGIN PRIVATE KEY-----'.repeat(n / 27),
    tokens: (n) => 'eyJaaaaaaaaaaaa.'.repeat(n / 16),
    keys: (n) => 'sk-'.repeat(n / 3),
  }
  for (const [name, textOf] of Object.entries(texts)) {
    test(name, () => {
      const text = textOf(CHARS)
      const { text: redacted, count } = all(text)
      if (count === 0) assert.equal(redacted, text)
      else assert.match(redacted, /\[[a-z]+\]/)
    })
  }

  test('nor a pattern of the user’s that would be, elsewhere', () => {
    const redact = createRedactor([], [{ name: 'x', regex: '(a+)+$' }])
    assert.equal(redact(`${'a'.repeat(CHARS)}b`).count, 0)
    assert.deepEqual(redact(`b${'a'.repeat(CHARS)}`), { text: 'b[x]', count: 1 })
  })
})

describe('what is kept of a prompt', () => {
  const settings: PromptSettings = { maxChars: 100, redact: REDACTIONS, patterns: [] }
  const user = (content: string) => ({ role: 'user' as const, content })

  test('messages in order, redacted; images are named only', () => {
    const kept = promptOf(
      [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Who is ann@example.com?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
        { role: 'assistant', content: null },
      ],
      settings,
    )
    assert.deepEqual(kept, {
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'Who is [email]?\n[image_url]' },
        { role: 'assistant', text: '' },
      ],
      truncated: false,
      redactions: 1,
    })
  })

  test('the end of what is too long, and the latest of too many', () => {
    const long = promptOf([user(`${'x'.repeat(200)}the end`)], { ...settings, maxChars: 10 })
    assert.deepEqual(long, {
      messages: [{ role: 'user', text: 'xxxthe end' }],
      truncated: true,
      redactions: 0,
    })
    const many = promptOf([user('first'), user('second'), user('third')], { ...settings, maxChars: 11 })
    assert.deepEqual(
      many.messages.map(({ text }) => text),
      ['second', 'third'],
    )
    assert.equal(many.truncated, true)
  })

  test('an address that the cut goes through leaves nothing behind', () => {
    const text = `my address is ann.elizabeth.lee@example.com thanks`
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length }), (maxChars) => {
        const { messages } = promptOf([user(text)], { ...settings, maxChars })
        assert.doesNotMatch(messages[0]?.text ?? '', /lee@|@ex|example/)
      }),
      { seed: 7 },
    )
  })
})
