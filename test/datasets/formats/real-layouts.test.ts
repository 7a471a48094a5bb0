/** Real outcomes written in the published layouts, and read from them: the same prompts, scores and costs. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { PromptRow } from '../../../datasets/index.ts'
import { csv, type Folder, rowsOf, temporaryFolder, writeParquetTable } from '../../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../../helpers/shared.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

const [WEAK, STRONG] = ['mixtral-8x7b-instruct-v0.1', 'gpt-4-1106-preview'] as const
const truth = (row: PromptRow, arm: string): string =>
  row.outcomes.get(arm)?.quality === 1 ? 'True' : 'False'
const jsonl = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

test('RouteLLM: 57 subjects, GSM8K and MT-Bench', needsShared('data/routellm'), async () => {
  const rows = await rowsOf(sharedPath('data/routellm'))
  const files: Record<string, string> = {}
  const tasks = (task: string) => rows.filter((row) => row.task === task)
  const listed = (of: readonly PromptRow[]) =>
    jsonl(
      of.filter(({ contaminated }) => contaminated === true).map(({ prompt }) => ({ eval_prompt: prompt })),
    )
  const table = (of: readonly PromptRow[]) =>
    csv([['prompt', WEAK, STRONG], ...of.map((row) => [row.prompt, truth(row, WEAK), truth(row, STRONG)])])
  const mmlu = tasks('mmlu').sort((a, b) => (a.category < b.category ? -1 : a.category > b.category ? 1 : 0))
  for (const [subject, of] of Map.groupBy(mmlu, ({ category }) => category)) {
    files[`mmlu/responses/mmlu_${subject}.csv`] = table(of)
  }
  files['mmlu/contaminated_prompts.jsonl'] = listed(mmlu)
  files['gsm8k/gsm8k_responses.csv'] = table(tasks('gsm8k'))
  files['gsm8k/contaminated_prompts.jsonl'] = listed(tasks('gsm8k'))
  const mtBench = tasks('mt-bench')
  files['mt_bench/question.jsonl'] = jsonl(
    mtBench.map(({ promptId, category, prompt }) => ({
      question_id: Number(promptId.slice(8)),
      category,
      turns: [prompt, 'And?'],
    })),
  )
  files['mt_bench/judgements.jsonl'] = jsonl(
    mtBench.flatMap(({ promptId, outcomes }) =>
      [...outcomes].map(([model, { quality }]) => ({
        question_id: Number(promptId.slice(8)),
        model,
        turn: 1,
        score: quality * 10,
      })),
    ),
  )
  files['mt_bench/contaminated_prompts.jsonl'] = listed(mtBench)

  const read = await rowsOf(await folder.of(files))
  const plain = ({ task, category, prompt, contaminated, outcomes }: PromptRow) => ({
    task,
    category,
    prompt,
    contaminated,
    qualities: [...outcomes].map(([arm, { quality }]) => [arm, Number(quality.toFixed(6))]),
  })
  const expected = [...mmlu, ...tasks('gsm8k'), ...mtBench]
  assert.equal(read.length, 12_398)
  // The set at hand judged contamination by turn; here one list holds for all equal prompts.
  const listedPrompts = new Set(
    rows.filter((row) => row.contaminated === true).map(({ task, prompt }) => `${task} ${prompt}`),
  )
  for (const [i, row] of expected.entries()) {
    const wanted = { ...plain(row), contaminated: listedPrompts.has(`${row.task} ${row.prompt}`) }
    assert.deepEqual(plain(read[i] as PromptRow), wanted, row.promptId)
  }
})

test(
  'RouterBench: 2,801 prompts and 11 models, CSV, gzip and Parquet',
  needsShared('data/routerbench-subset'),
  async () => {
    const rows = await rowsOf(sharedPath('data/routerbench-subset'))
    const arms = [...(rows[0]?.outcomes.keys() ?? [])]
    const objects = rows.map((row) => ({
      sample_id: row.promptId,
      prompt: row.prompt,
      eval_name: row.category,
      split: row.split,
      ...Object.fromEntries(
        arms.flatMap((arm) => {
          const outcome = row.outcomes.get(arm)
          return [
            [arm, outcome?.quality ?? null],
            [`${arm}|model_response`, `['an answer, "quoted"\nof ${arm}']`],
            [`${arm}|total_cost`, outcome?.costUsd ?? null],
          ]
        }),
      ),
    }))
    const header = Object.keys(objects[0] ?? {})
    const text = csv([header, ...objects.map((object) => Object.values(object))])
    const place = await folder.of({ 'rb.csv': text, 'zipped/rb.csv.gz': gzipSync(text) })
    await writeParquetTable(join(place, 'rb.parquet'), objects, 1000)
    const expected = rows.map(({ task: _, contaminated: __, outcomes, ...row }) => ({
      ...row,
      task: row.category,
      outcomes: new Map(
        [...outcomes].map(([arm, { quality, costUsd }]) => [
          arm,
          { quality, costUsd, inputTokens: undefined, outputTokens: undefined },
        ]),
      ),
    }))
    for (const file of ['rb.csv', 'zipped/rb.csv.gz', 'rb.parquet']) {
      const read = await rowsOf(join(place, file))
      assert.equal(read.length, 2_801)
      for (const [i, row] of expected.entries()) assert.deepEqual(read[i], row, `${file}: ${row.promptId}`)
    }
  },
)

test('MMLU-Pro as a long table: 132,314 lines become 9,451 rows', needsShared('data/mmlu-pro'), async () => {
  const rows = await rowsOf(sharedPath('data/mmlu-pro'))
  const lines = rows.flatMap((row) =>
    [...row.outcomes].map(([arm, { quality, costUsd, inputTokens, outputTokens }]) => ({
      id: row.promptId,
      q: row.prompt,
      split: row.split,
      topic: row.category,
      arm,
      result: { score: quality * 100, microUsd: (costUsd ?? 0) * 1e6, tokens: [inputTokens, outputTokens] },
      in: inputTokens,
      out: outputTokens,
    })),
  )
  const mapping = [
    'prompt_id: id',
    'prompt: q',
    'split: split',
    'task: { value: mmlu-pro }',
    'category: topic',
    'arm: arm',
    'quality_range: [0, 100]',
    'cost_factor: 0.000001',
    'outcome: { quality: result.score, cost_usd: result.microUsd, input_tokens: in, output_tokens: out }',
    'adjacent: true',
    '',
  ].join('\n')
  const place = await folder.of({
    'runs.jsonl.gz': gzipSync(jsonl(lines), { level: 1 }),
    'runs.mapping.yaml': mapping,
  })
  assert.equal(lines.length, 132_314)
  const read = await rowsOf(join(place, 'runs.jsonl.gz'))
  assert.equal(read.length, 9_451)
  for (const [i, row] of rows.entries()) {
    const back = read[i] as PromptRow
    assert.deepEqual({ ...back, outcomes: undefined }, { ...row, outcomes: undefined })
    for (const [arm, outcome] of row.outcomes) {
      const found = back.outcomes.get(arm)
      assert.ok(
        Math.abs((found?.costUsd ?? Number.NaN) - (outcome.costUsd ?? 0)) < 1e-15,
        `${row.promptId} ${arm}`,
      )
      assert.deepEqual({ ...found, costUsd: 0 }, { ...outcome, costUsd: 0 })
    }
  }
})
