/** The loader on real outcome sets: row counts and means must be those that each set's README states. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

async function load(name: string): Promise<readonly PromptRow[]> {
  const rows: PromptRow[] = []
  for await (const row of (await openDataset(sharedPath('data', name))).rows()) rows.push(row)
  return rows
}

function meanOf(rows: readonly PromptRow[], arm: string, key: 'quality' | 'costUsd'): number {
  return rows.reduce((sum, row) => sum + (row.outcomes.get(arm)?.[key] ?? Number.NaN), 0) / rows.length
}

interface StatedTable {
  readonly rowCount: number
  readonly arms: readonly { readonly arm: string; readonly quality: string; readonly usdPer1000: string }[]
}

/** The README's tables `| model | quality (all) | $/1k req (all) | quality (test) |`, each after a line with `n=…`. */
async function statedTables(name: string): Promise<readonly StatedTable[]> {
  const readme = await readFile(sharedPath('data', name, 'README.md'), 'utf8')
  return readme
    .split(/^\*\*/m)
    .filter((section) => section.includes('| model | quality (all) |'))
    .map((section) => ({
      rowCount: Number(/\bn=(\d+)/.exec(section)?.[1]),
      arms: [...section.matchAll(/^\| (\S+) \| (\d\.\d{4}) \| (\d+\.\d{4}) \| \d\.\d{4} \|$/gm)].map(
        ([, arm = '', quality = '', usdPer1000 = '']) => ({ arm, quality, usdPer1000 }),
      ),
    }))
}

const SETS = [
  { name: 'mmlu-pro', rowCount: 9_451, armCounts: [14] },
  { name: 'zeroeval', rowCount: 2_281, armCounts: [20] },
  { name: 'paretobandit', rowCount: 4_035, armCounts: [3, 4] },
  { name: 'alpaca-eval', rowCount: 646, armCounts: [14] },
  // The table is of the five-shot part; the rest is the split `sample0`.
  { name: 'routerbench-subset', rowCount: 2_801, armCounts: [11] },
] as const

for (const { name, rowCount, armCounts } of SETS) {
  test(`${name}: rows and means as stated`, needsShared('data', name), async () => {
    const rows = await load(name)
    assert.equal(rows.length, rowCount)
    const tables = await statedTables(name)
    assert.deepEqual(
      tables.map((table) => table.arms.length),
      armCounts,
    )
    for (const table of tables) {
      const covered = rows.filter(
        (row) => row.split !== 'sample0' && table.arms.every(({ arm }) => row.outcomes.has(arm)),
      )
      assert.equal(covered.length, table.rowCount)
      for (const { arm, quality, usdPer1000 } of table.arms) {
        assert.equal(meanOf(covered, arm, 'quality').toFixed(4), quality, `${arm}: quality`)
        assert.equal((meanOf(covered, arm, 'costUsd') * 1000).toFixed(4), usdPer1000, `${arm}: $/1k`)
      }
    }
  })
}

test(
  'routellm: counts and means without contaminated rows as stated',
  needsShared('data', 'routellm'),
  async () => {
    const rows = await load('routellm')
    assert.equal(rows.length, 12_398)
    const readme = await readFile(sharedPath('data', 'routellm', 'README.md'), 'utf8')
    const stated = [...readme.matchAll(/^-- shared (\S+) n (\d+) weak (\S+) strong (\S+) oracle/gm)]
    assert.equal(stated.length, 3)
    for (const [, task, count, weak, strong] of stated) {
      const clean = rows.filter((row) => row.task === task && row.contaminated !== true)
      assert.equal(clean.length, Number(count), `${task}: rows`)
      assert.equal(meanOf(clean, 'mixtral-8x7b-instruct-v0.1', 'quality').toFixed(4), weak, `${task}: weak`)
      assert.equal(meanOf(clean, 'gpt-4-1106-preview', 'quality').toFixed(4), strong, `${task}: strong`)
    }
    assert.ok(
      rows
        .filter((row) => row.task === 'mt-bench')
        .every((row) => [...row.outcomes.values()].every((outcome) => outcome.costUsd === undefined)),
      'mt-bench has no cost',
    )
  },
)
