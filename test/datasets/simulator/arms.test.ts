/** What arms become when a dataset tells less than the bundled one. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type ArmOutcome,
  type Dataset,
  type PromptRow,
  readVerdict,
  startSimulator,
} from '../../../datasets/index.ts'
import { profileArms, tokensOf } from '../../../datasets/simulator/arms.ts'
import { PromptBook } from '../../../datasets/simulator/prompt-book.ts'
import { writeVerdict } from '../../../datasets/simulator/verdict.ts'
import { KEYS, send } from './client.ts'

function outcome(quality: number, more: Partial<ArmOutcome> = {}): ArmOutcome {
  return { quality, costUsd: undefined, inputTokens: undefined, outputTokens: undefined, ...more }
}
function row(
  promptId: string,
  prompt: string,
  outcomes: Readonly<Record<string, ArmOutcome>>,
  split = 'train',
): PromptRow {
  return { promptId, split, task: 't', category: 't', prompt, outcomes: new Map(Object.entries(outcomes)) }
}

suite('profiles', () => {
  test('without models.json: dialects take turns, names are short where that is unique', () => {
    const outcomes = Object.fromEntries(['a/x', 'b/y', 'c/z', 'd/x', 'e/y'].map((id) => [id, outcome(0.5)]))
    const arms = profileArms(new Map(), [row('1', 'hello', outcomes)])
    assert.deepEqual(
      arms.map((arm) => [arm.id, arm.dialect, arm.upstreamModel]),
      [
        ['a/x', 'openai-compatible', 'a/x'],
        ['b/y', 'anthropic', 'b/y'],
        ['c/z', 'google', 'z'],
        ['d/x', 'openai-compatible', 'd/x'],
        ['e/y', 'anthropic', 'e/y'],
      ],
    )
  })

  test('a price that is not stated makes the mean cost come out; lengths then follow each cost', () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      row(String(i), 'w'.repeat(400), { a: outcome(1, { costUsd: 0.001 + i * 1e-4 }) }),
    )
    const [arm] = profileArms(new Map(), rows)
    for (const each of rows) {
      const tokens = tokensOf(each, 'a', arm!.price)
      const costUsd =
        (tokens.input * arm!.price.inputUsdPerMtok + tokens.output * arm!.price.outputUsdPerMtok) / 1e6
      // Half a token of rounding.
      assert.ok(
        Math.abs(costUsd - each.outcomes.get('a')!.costUsd!) <= (0.51 * arm!.price.outputUsdPerMtok) / 1e6,
      )
    }
    const middle = tokensOf(rows[20]!, 'a', arm!.price)
    assert.ok(Math.abs(middle.output - 150) <= 5, String(middle.output))
  })

  test('the prior is the training split’s mean quality and median length', () => {
    const rows = [
      row('1', 'p', { a: outcome(0.2, { outputTokens: 10, costUsd: 1 }) }),
      row('2', 'q', { a: outcome(0.6, { outputTokens: 30, costUsd: 1 }) }),
      row('3', 'r', { a: outcome(1, { outputTokens: 90, costUsd: 1 }) }, 'test'),
    ]
    const [arm] = profileArms(new Map(), rows)
    assert.ok(Math.abs(arm!.prior.quality - 0.4) < 1e-12)
    assert.equal(arm!.prior.outputTokens, 30)
  })

  test('a set without outcomes is refused', () => {
    assert.throws(() => profileArms(new Map(), []), { code: 'simulator_no_arms' })
  })
})

suite('prompt book', () => {
  const rows = [
    row('apple', 'bake an apple pie', { a: outcome(1), b: outcome(0) }),
    row('pear', 'poach a pear in wine', { a: outcome(1) }),
    row('train', 'when does the train to Ghent leave', { b: outcome(1) }),
  ]
  const book = new PromptBook(rows)
  const found = (text: string, arm: string) => {
    const match = book.find(text, arm)
    return `${match.kind} ${match.row.promptId}`
  }

  test('an exact prompt, whatever its white space', () => {
    assert.equal(found(' bake an\n apple  pie ', 'a'), 'exact apple')
  })

  test('a prompt that an arm has no outcome on counts as unknown to it', () => {
    assert.equal(found('poach a pear in wine', 'b'), 'nearest apple')
  })

  test('the most alike by rare words, else any row of the arm, always the same', () => {
    assert.equal(found('is there a train today?', 'b'), 'nearest train')
    assert.equal(found('a pie of pear and pear wine', 'a'), 'nearest pear')
    assert.equal(found('???', 'a'), found('???', 'a'))
    assert.match(found('???', 'b'), /^nearest (apple|train)$/)
  })

  test('one rare word outweighs two common ones, and common words do not crowd rare ones out', () => {
    const words = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${prefix}${i}`).join(' ')
    const common = Array.from({ length: 5 }, (_, i) =>
      row(`common-${i}`, `please write ${i}`, { a: outcome(1) }),
    )
    const some = new PromptBook([...common, row('rare', 'a quasar', { a: outcome(1) })])
    assert.equal(some.find('please write of a quasar', 'a').row.promptId, 'rare')
    const frequent = words('frequent', 40)
    const many = new PromptBook([
      row('frequent-1', frequent, { a: outcome(1) }),
      row('frequent-2', `again ${frequent}`, { a: outcome(1) }),
      row('seldom', words('seldom', 32), { a: outcome(1) }),
    ])
    assert.equal(many.find(`${frequent} ${words('seldom', 32)} !`, 'a').row.promptId, 'seldom')
  })
})

test('a verdict is read back as written, and not from text without one', () => {
  for (const verdict of [
    { promptId: 'id with spaces ]%', armId: 'a/b c', quality: 0.123457, isNearest: true },
    { promptId: 'p', armId: 'a', quality: 1, isNearest: false },
    { promptId: 'p', armId: 'a', quality: 0.000001, isNearest: false },
  ]) {
    assert.deepEqual(readVerdict(`An answer.\n${writeVerdict(verdict)}\n`), verdict)
  }
  assert.equal(readVerdict('[simulated: prompt=p arm=a quality=1] and more'), undefined)
  assert.equal(readVerdict('Hello.'), undefined)
})

test('a model name with slash, colon and at sign can be called in every dialect', async () => {
  const ids = ['acme/m:1@eu/x', 'acme/n:1@eu/x', 'acme/o:1@eu/x']
  const dataset: Dataset = {
    name: 'names',
    folder: '/nowhere',
    models: new Map(),
    rows: async function* () {
      yield row('1', 'hello', Object.fromEntries(ids.map((id) => [id, outcome(1)])))
    },
  }
  const simulator = await startSimulator({ dataset, latency: false })
  for (const arm of simulator.arms) {
    const messages = [{ role: 'user', content: 'hello' }]
    const body = { model: arm.upstreamModel, max_tokens: 999, messages }
    const [path, payload] = {
      'openai-compatible': ['/chat/completions', body],
      anthropic: ['/v1/messages', body],
      google: [
        `/models/${encodeURIComponent(arm.upstreamModel)}:generateContent`,
        { contents: [{ parts: [{ text: 'hello' }] }] },
      ],
    }[arm.dialect] as [string, object]
    const answer = await send('POST', arm.baseUrl + path, payload, KEYS[arm.dialect])
    assert.equal(answer.status, 200, answer.text)
    assert.ok(answer.text.includes(`arm=${arm.id} `), answer.text)
  }
  await simulator.close()
})
