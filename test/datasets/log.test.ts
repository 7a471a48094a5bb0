/** Logs in files: what is written comes back to the last bit, in each format; what is wrong is named with file, line, field. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { loggedDecision } from '../../adapters/clickhouse/readers/read-log.ts'
import { DatasetError, LOG_FORMATS, readLogFile, writeLogFile } from '../../datasets/index.ts'
import { decisionsOfDsjson, toDsjson } from '../../datasets/log/dsjson.ts'
import { toRecord } from '../../datasets/log/record.ts'
import type { ArmId, LoggedDecision } from '../../engine/index.ts'
import { realisticRows } from '../helpers/realistic-rows.ts'
import { attemptRow, decisionRow, rewardRow, START_MS } from '../helpers/store-rows.ts'

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}
async function* streamOf<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}

/** All that may be there or not, and texts that need escaping. */
function oddRows(): LoggedDecision[] {
  const plain = decisionRow()
  const rich = decisionRow(
    {
      parentId: plain.decision.id,
      stream: true,
      session: 'tab\t"quoted" \\ line\nbreak é 日本 🦊',
      metadata: { 'a key': "o'hare", empty: '' },
      surface: 'route',
    },
    {
      policy: { name: 'weighted', weights: { 'openai/gpt-5': 0.25, 'anthropic/claude': 0.75 } },
      explore: false,
      assignment: { policyHash: 'c0ffee', as: 'canary', probability: 0.05 },
      exclusions: [{ arm: 'groq/llama' as ArmId, reason: 'unhealthy', detail: 'open: 5 of 5' }],
      x: Float64Array.of(1, 0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2),
      arm: 'openai/gpt-5' as ArmId,
      propensity: 1 / 3,
    },
  )
  const lost = decisionRow({}, { estimates: [], probabilities: Float64Array.of(0, 1), propensity: 1 })
  const { id } = plain.decision
  return [
    loggedDecision(
      plain,
      [
        attemptRow({
          decisionId: id,
          status: 'failed',
          upstreamStatus: 529,
          ttftMs: undefined,
          costUsd: undefined,
        }),
        attemptRow({ decisionId: id, index: 1, reasoningTokens: 0 }),
      ],
      [
        rewardRow({ decisionId: id, valueNumber: 0 }),
        rewardRow({ decisionId: id, atMs: START_MS + 4e6, valueNumber: undefined }),
        rewardRow({
          decisionId: id,
          atMs: START_MS + 5e6,
          metric: 'note',
          valueNumber: undefined,
          valueText: 'ok',
        }),
      ],
    ),
    loggedDecision(rich, [], [rewardRow({ decisionId: rich.decision.id, valueNumber: 0.1 + 0.2 })]),
    loggedDecision(lost, [], []),
  ]
}

describe('logs in files', () => {
  let folder: string
  let traffic: LoggedDecision[]
  let files = 0
  const fileOf = (ending: string): string => join(folder, `log-${files++}.${ending}`)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-logs-'))
    // More than one row group.
    const rows = realisticRows({ decisions: 2_500, fromMs: START_MS, spanMs: 3_600_000, textComponents: 8 })
    traffic = (await collect(rows)).map(({ decision, attempt, reward }) =>
      loggedDecision(decision, [attempt], reward === undefined ? [] : [reward.row]),
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const ending of [...LOG_FORMATS, 'jsonl.gz', 'dsjson.gz']) {
    test(`${ending}: what is written comes back, to the last bit`, async () => {
      const rows = [...oddRows(), ...traffic]
      const path = fileOf(ending)
      assert.equal(await writeLogFile(streamOf(rows), path), rows.length)
      const back = await collect(readLogFile(path))
      assert.equal(back.length, rows.length)
      for (const [i, row] of back.entries()) assert.deepEqual(row, rows[i], `row ${i}`)
    })

    test(`${ending}: no rows are a file too`, async () => {
      const path = fileOf(ending)
      assert.equal(await writeLogFile(streamOf([]), path), 0)
      assert.deepEqual(await collect(readLogFile(path)), [])
    })
  }

  test('what JSON cannot say of a number is not a number when it comes back', async () => {
    const [row] = oddRows() as [LoggedDecision]
    const odd = { ...row, x: Float64Array.of(1, Number.NaN, Number.POSITIVE_INFINITY) }
    for (const ending of LOG_FORMATS) {
      const path = fileOf(ending)
      await writeLogFile(streamOf([odd]), path)
      const [back] = await collect(readLogFile(path))
      assert.deepEqual(back?.x, Float64Array.of(1, Number.NaN, Number.NaN), ending)
    }
  })

  test('Parquet has a column of its own for each field, and takes a fraction of the room', async () => {
    const [parquet, jsonl] = [fileOf('parquet'), fileOf('jsonl')]
    await writeLogFile(streamOf(traffic), parquet)
    await writeLogFile(streamOf(traffic), jsonl)
    assert.ok((await stat(parquet)).size < 0.6 * (await stat(jsonl)).size)
    const bytes = await readFile(parquet)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const [row] = await parquetReadObjects({ file, columns: ['ts', 'arm', 'x', 'probabilities', 'cost_usd'] })
    const [first] = traffic as [LoggedDecision]
    assert.deepEqual(row, {
      ts: new Date(first.atMs),
      arm: first.arm,
      x: [...first.x],
      probabilities: [...first.probabilities],
      cost_usd: first.costUsd,
    })
  })

  test('dsjson: what Vowpal Wabbit reads of a line', async () => {
    const path = fileOf('dsjson')
    const [row] = traffic.filter(({ rewards }) => rewards.length > 0) as [LoggedDecision]
    await writeLogFile(streamOf([row]), path)
    const line = JSON.parse(await readFile(path, 'utf8'))
    const drawn = row.eligible.indexOf(row.arm)
    assert.equal(line._labelIndex, drawn)
    assert.equal(line._label_Action, drawn + 1)
    assert.equal(line._label_probability, row.propensity)
    assert.equal(line._label_cost, 0 - Number(row.rewards[0]?.value))
    assert.deepEqual(line.o, [{ EventId: row.id, v: row.rewards[0]?.value }])
    assert.deepEqual([line.EventId, line.Timestamp], [row.id, new Date(row.atMs).toISOString()])
    // The action that was taken comes first; probabilities go with the actions.
    assert.deepEqual([line.a[0], line.p[0]], [drawn + 1, row.propensity])
    assert.deepEqual(
      [...line.a].sort((a, b) => a - b),
      row.eligible.map((_, i) => i + 1),
    )
    for (const [i, action] of line.a.entries()) assert.equal(line.p[i], row.probabilities[action - 1])
    assert.equal(line.c._multi.length, row.eligible.length)
    assert.deepEqual(line.c._multi[drawn], { arm: { id: row.arm } })
    assert.equal(Object.keys(line.c.x).length, row.x.length)
  })

  test('dsjson: a label that was changed beside our record is refused', async () => {
    const [row] = traffic.filter(({ rewards, eligible }) => rewards.length > 0 && eligible.length > 1) as [
      LoggedDecision,
    ]
    const line = toDsjson(row) as Record<string, unknown>
    const p = line['p'] as number[]
    const single = { ...line, p: p.map(Math.fround), _label_probability: Math.fround(row.propensity) }
    const labels = [
      '_label_cost',
      '_labelIndex',
      '_label_Action',
      '_label_probability',
      'EventId',
      'a',
      'p',
      'o',
    ]
    const without = Object.fromEntries(Object.entries(line).filter(([label]) => !labels.includes(label)))
    for (const alike of [line, single, without]) {
      assert.deepEqual(decisionsOfDsjson(JSON.parse(JSON.stringify(alike)), 'log.dsjson:7'), [row])
    }
    const changes: [string, unknown][] = [
      ['_label_cost', -0.123],
      ['_labelIndex', row.eligible.length],
      ['_label_Action', row.eligible.length + 1],
      ['_label_probability', row.propensity / 2],
      ['EventId', 'event-1'],
      ['a', (line['a'] as number[]).toReversed()],
      ['p', p.map((value) => 1 - value)],
      ['o', []],
    ]
    for (const [label, value] of changes) {
      assert.throws(() => decisionsOfDsjson({ ...line, [label]: value }, 'log.dsjson:7'), {
        code: 'dataset_bad_line',
        message: new RegExp(
          `^log\\.dsjson:7: ${label}: expected .*, as the record under "highwayman" has it, got `,
        ),
      })
    }
  })

  test('dsjson of another system: actions, probabilities and the label', async () => {
    const path = fileOf('dsjson')
    const line = {
      _label_cost: -0.5,
      _label_probability: 0.8,
      _label_Action: 2,
      _labelIndex: 1,
      o: [{ v: 0.5, EventId: 'event-1' }],
      Timestamp: '2021-02-04T16:31:29.2460000Z',
      Version: '1',
      EventId: 'event-1',
      a: [2, 1],
      c: {
        GUser: { id: 'ann' },
        _multi: [{ _tag: 'politics', TAction: { topic: 'p' } }, { TAction: { id: 'sports' } }],
      },
      p: [0.8, 0.2],
      VWState: { m: 'm' },
    }
    // What asks not to be learned from, and what came alone, is no decision.
    const passed = [
      { ...line, _skipLearn: true },
      { RewardValue: 1, EventId: 'event-1' },
    ]
    const unlabelled = { ...line, EventId: 'event-2', _label_cost: 0, o: [] }
    await writeFile(path, [line, ...passed, unlabelled, line].map((one) => JSON.stringify(one)).join('\n'))
    const [first, second, again] = (await collect(readLogFile(path))) as [
      LoggedDecision,
      LoggedDecision,
      LoggedDecision,
    ]
    assert.deepEqual(
      [
        first.arm,
        first.propensity,
        first.eligible,
        [...first.probabilities],
        first.rewards[0]?.value,
        first.atMs,
      ],
      ['sports', 0.8, ['politics', 'sports'], [0.2, 0.8], 0.5, Date.parse('2021-02-04T16:31:29.246Z')],
    )
    assert.deepEqual(second.rewards, [])
    assert.equal(again.id, first.id)
    assert.notEqual(second.id, first.id)
  })

  const mistakes: [string, (record: Record<string, unknown>) => unknown, RegExp][] = [
    [
      'a field is missing',
      ({ propensity: _, ...rest }) => rest,
      /propensity: expected a number, got nothing/,
    ],
    [
      'a number is out of range',
      (r) => ({ ...r, propensity: 1.5 }),
      /propensity: expected a number in \[0, 1\], got 1.5/,
    ],
    [
      'a list is short',
      (r) => ({ ...r, probabilities: [1] }),
      /probabilities: expected one for each eligible arm, got 1 for 2/,
    ],
    ['probabilities do not sum to 1', (r) => ({ ...r, probabilities: [0.5, 0.4] }), /sum of 1, got 0\.9/],
    [
      'the propensity is not the arm’s',
      (r) => ({ ...r, propensity: 0.5 }),
      /propensity: expected 0\.66+7?, the probability of anthropic/,
    ],
    [
      'the arm was not eligible',
      (r) => ({ ...r, arm: 'x/y' }),
      /arm: expected one of the eligible arms, got "x\/y"/,
    ],
    ['a cost is below 0', (r) => ({ ...r, cost_usd: -1 }), /cost_usd: expected a number ≥ 0, got -1/],
    [
      'an answer came before it was asked for',
      (r) => ({ ...r, attempts: [{ ...(r['attempts'] as object[])[0], total_ms: -5 }] }),
      /attempts\.0\.total_ms: expected a number ≥ 0, got -5/,
    ],
    [
      'an arm is eligible twice',
      (r) => ({ ...r, eligible: [(r['eligible'] as string[])[1], (r['eligible'] as string[])[1]] }),
      /eligible: expected every arm once, got "anthropic[^"]*" twice/,
    ],
    [
      'the drawn arm could not be drawn',
      (r) => ({ ...r, probabilities: [1, 0], propensity: 0 }),
      /propensity: expected a number above 0, since anthropic.* was drawn, got 0/,
    ],
    ['an id is none', (r) => ({ ...r, decision_id: '12' }), /decision_id: expected a UUID, got "12"/],
    ['a time is none', (r) => ({ ...r, ts: 'yesterday' }), /ts: expected a time .*, got "yesterday"/],
    [
      'a nested field is wrong',
      (r) => ({ ...r, rewards: [{ ...(r['rewards'] as object[])[0], value: true }] }),
      /rewards\.0\.value: expected a number, a string or null, got true/,
    ],
    ['it is no object', () => [1], /top level: expected an object, got \[1\]/],
  ]
  for (const [name, spoil, message] of mistakes) {
    test(`a line is refused, with file, line and field: ${name}`, async () => {
      const [row] = oddRows() as [LoggedDecision]
      const record = toRecord(row)
      const path = fileOf('jsonl')
      await writeFile(path, `${JSON.stringify(record)}\n\n${JSON.stringify(spoil(record))}\n`)
      await assert.rejects(collect(readLogFile(path)), (error) => {
        assert.ok(error instanceof DatasetError && error.code === 'dataset_bad_line')
        assert.ok(error.message.startsWith(`${path}:3`), error.message)
        assert.match(error.message, message)
        return true
      })
    })
  }

  test('what is no JSON, no Parquet, cut off, absent or without a format is said so', async () => {
    const [row] = oddRows() as [LoggedDecision]
    const bad = fileOf('jsonl')
    await writeFile(bad, '{"decision_id": \n')
    await assert.rejects(collect(readLogFile(bad)), { code: 'dataset_bad_line', message: /:1: not JSON/ })
    const parquet = fileOf('parquet')
    await writeLogFile(streamOf([row]), parquet)
    const bytes = await readFile(parquet)
    await writeFile(parquet, bytes.subarray(0, bytes.length - 20))
    await assert.rejects(collect(readLogFile(parquet)), { code: 'dataset_unreadable', message: /Parquet/ })
    await assert.rejects(collect(readLogFile(join(folder, 'none.parquet'))), { code: 'dataset_unreadable' })
    await assert.rejects(collect(readLogFile(join(folder, 'none.jsonl'))), { code: 'dataset_unreadable' })
    assert.throws(() => readLogFile('log.csv'), { code: 'dataset_unreadable', message: /\.parquet/ })
    await assert.rejects(writeLogFile(streamOf([]), 'log.csv'), { code: 'dataset_unreadable' })
  })

  test('a name that ends in .gz is zipped', async () => {
    const path = fileOf('jsonl.gz')
    await writeLogFile(streamOf(oddRows()), path)
    assert.equal(
      gunzipSync(await readFile(path))
        .toString()
        .trimEnd()
        .split('\n').length,
      3,
    )
  })
})
