import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { openDataset } from '../../../datasets/index.ts'
import { csv, datasetError, type Folder, rowsOf, temporaryFolder } from '../../helpers/dataset-files.ts'

const [WEAK, STRONG] = ['mixtral-8x7b-instruct-v0.1', 'gpt-4-1106-preview']
const MMLU = csv([
  ['prompt', WEAK, STRONG],
  ['Which?\nA. one\nB. two\nAnswer:', 'False', 'True'],
  ['Who?\nA. he\nB. she\nAnswer:', 'True', 'True'],
])
const GSM8K = csv([
  ['prompt', WEAK, STRONG, `${WEAK}_response`, `${STRONG}_response`],
  ['How many eggs?', 'True', 'False', ' 18\n#### 18', 'Seventeen, "or so"'],
])
const jsonl = (...values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')
const JUDGEMENTS = jsonl(
  { question_id: 81, model: STRONG, score: 10, turn: 1, judge: ['gpt-4', 'single-v1'], tstamp: 1.5 },
  { question_id: 81, model: WEAK, score: 8, turn: 1 },
  { question_id: 81, model: WEAK, score: -1, turn: 2 },
  { question_id: 81, model: STRONG, score: 9, turn: 2 },
)
const QUESTIONS = jsonl(
  { question_id: 81, category: 'writing', turns: ['Compose a blog post.', 'Rewrite it.'] },
  { question_id: 82, category: 'writing', turns: ['Nobody was judged on this.'] },
)
const FILES = {
  'mmlu/responses/mmlu_anatomy.csv': MMLU,
  'mmlu/contaminated_prompts.jsonl': jsonl({ eval_prompt: 'Who?\nA. he\nB. she\nAnswer:', eval_idx: 1 }),
  'gsm8k/gsm8k_responses.csv': GSM8K,
  'mt_bench/judgements.jsonl': JUDGEMENTS,
  'mt_bench/question.jsonl': QUESTIONS,
  'mt_bench/contaminated_prompts.jsonl': jsonl({ eval_prompt: 'Rewrite it.' }),
}

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

suite('RouteLLM', () => {
  test('the folder of its evaluations is one set: MMLU, GSM8K, MT-Bench', async () => {
    const place = await folder.of(FILES)
    const dataset = await openDataset(place)
    assert.deepEqual(
      [dataset.name, dataset.origin?.format, dataset.origin?.licence],
      ['routellm', 'routellm', 'Apache-2.0'],
    )
    const rows = await rowsOf(place)
    const qualities = rows.map((row) => [
      row.promptId,
      row.task,
      row.category,
      row.contaminated,
      row.outcomes.get(WEAK)?.quality,
      row.outcomes.get(STRONG)?.quality,
    ])
    assert.deepEqual(qualities, [
      ['mmlu-anatomy-0', 'mmlu', 'anatomy', false, 0, 1],
      ['mmlu-anatomy-1', 'mmlu', 'anatomy', true, 1, 1],
      ['gsm8k-0', 'gsm8k', 'gsm8k', false, 1, 0],
      // Either turn counts as seen; an answer without a rating is none; the mean of the turns over 10.
      ['mtbench-81', 'mt-bench', 'writing', true, 0.8, 0.95],
    ])
    assert.equal(rows[0]?.prompt, 'Which?\nA. one\nB. two\nAnswer:')
    assert.ok(rows.every((row) => [...row.outcomes.values()].every(({ costUsd }) => costUsd === undefined)))
  })

  test('each file is a set as well', async () => {
    const place = await folder.of(FILES)
    for (const [file, count] of [
      ['mmlu/responses/mmlu_anatomy.csv', 2],
      ['gsm8k/gsm8k_responses.csv', 1],
      ['mt_bench/judgements.jsonl', 1],
    ] as const) {
      assert.equal((await rowsOf(join(place, file))).length, count, file)
    }
  })

  const bad: readonly (readonly [string, keyof typeof FILES, string, RegExp])[] = [
    [
      'neither True nor False',
      'mmlu/responses/mmlu_anatomy.csv',
      MMLU.replace('False', 'Maybe'),
      /mmlu_anatomy\.csv:2 mixtral.*: expected true or false, got "Maybe"/,
    ],
    [
      'a blank',
      'mmlu/responses/mmlu_anatomy.csv',
      MMLU.replace('False', ''),
      /mmlu_anatomy\.csv:2 mixtral.*: expected True or False, got ""/,
    ],
    [
      'the line of a later record',
      'mmlu/responses/mmlu_anatomy.csv',
      `${MMLU}Last,x,True\n`,
      /mmlu_anatomy\.csv:10 mixtral/,
    ],
    [
      'a score above 10',
      'mt_bench/judgements.jsonl',
      JUDGEMENTS.replace('"score":8', '"score":11'),
      /judgements\.jsonl:2 score: expected a score from 1 to 10, got 11/,
    ],
    [
      'a question without turns',
      'mt_bench/question.jsonl',
      QUESTIONS.replace('"turns"', '"turn"'),
      /question\.jsonl:1 turns: expected a list of turns, got nothing/,
    ],
    [
      'a list without prompts',
      'mt_bench/contaminated_prompts.jsonl',
      '{"prompt":"x"}\n',
      /contaminated_prompts\.jsonl:1 eval_prompt: expected a text/,
    ],
  ]
  for (const [what, file, text, message] of bad) {
    test(`${what} is refused by file, line and column`, async () => {
      const error = await datasetError(rowsOf(await folder.of({ ...FILES, [file]: text })))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }

  test('judgements without their questions', async () => {
    const place = await folder.of({ 'judgements.jsonl': JUDGEMENTS })
    const error = await datasetError(rowsOf(join(place, 'judgements.jsonl')))
    assert.equal(error.code, 'dataset_not_found')
    assert.match(error.message, /put question\.jsonl beside it/)
  })
})
