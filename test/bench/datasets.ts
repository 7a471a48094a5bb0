/**
 * Reading sets: megabytes per second by format, beside splitting the same bytes into lines and parsing each as JSON; and how far the peak of
 * memory is from that of a file an eighth as long. Each file is read by a process of its own, so that its peak is its own.
 */
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import type { BenchResult } from './report.ts'

const READER = join(import.meta.dirname, 'datasets-reader.ts')
const MAPPING =
  'prompt_id: id\nprompt: q\nsplit: { value: test }\narms: { a: { quality: a }, b: { quality: b, cost_usd: c } }\n'
const PROMPT_WORDS = 120

interface Reading {
  readonly rows: number
  readonly ms: number
  readonly peakBytes: number
}

/** About a kilobyte a row. */
function* records(bytes: number): Generator<{ id: string; q: string; a: number; b: number; c: number }> {
  for (let at = 0, i = 0; at < bytes; i++) {
    const q = `${i} ${Array.from({ length: PROMPT_WORDS }, (_, k) => `word${(i * 31 + k * 7) % 1000}`).join(' ')}`
    at += q.length
    yield { id: `p${i}`, q, a: (i % 10) / 10, b: i % 2, c: 0.001 }
  }
}

const LINES: Readonly<
  Record<string, (record: { id: string; q: string; a: number; b: number; c: number }) => string>
> = {
  'rows.jsonl': ({ id, q, a, b, c }) =>
    `${JSON.stringify({ prompt_id: id, split: 'test', task: 't', prompt: q, outcomes: { a: { quality: a }, b: { quality: b, cost_usd: c } } })}\n`,
  'table.csv': ({ id, q, a, b, c }) => `${id},"${q}",${a},${b},${c}\n`,
  'log.dsjson': ({ id, q, a }) =>
    `${JSON.stringify({ EventId: id, _label_cost: -a, a: [1, 2], p: [0.5, 0.5], c: { text: { q }, _multi: [{ x: { one: 1 } }, { x: { two: 1 } }] } })}\n`,
  'log.vw': ({ id, q, a }) => `shared '${id} |text ${q}\n0:${-a}:0.5 |x one\n|x two\n\n`,
}

async function write(folder: string, name: string, bytes: number): Promise<string> {
  const path = join(folder, `${bytes}-${name}`)
  const stem = path.replace(/\.(csv|parquet)$/, '')
  if (stem !== path) await writeFile(`${stem}.mapping.yaml`, MAPPING)
  if (name.endsWith('.parquet')) {
    async function* rows() {
      yield* records(bytes)
    }
    await parquetWriteRows({
      writer: fileWriter(path),
      rows: rows(),
      columns: ['id', 'q', 'a', 'b', 'c'].map((column) => ({ name: column })),
      schema: [
        { name: 'table', num_children: 5 },
        ...['id', 'q'].map(
          (column) =>
            ({
              name: column,
              type: 'BYTE_ARRAY',
              converted_type: 'UTF8',
              repetition_type: 'OPTIONAL',
            }) as const,
        ),
        ...['a', 'b', 'c'].map(
          (column) => ({ name: column, type: 'DOUBLE', repetition_type: 'OPTIONAL' }) as const,
        ),
      ],
      rowGroupSize: 10_000,
    })
    return path
  }
  const line = LINES[name.replace(/\.gz$/, '')]
  function* lines(): Generator<string> {
    if (name.startsWith('table.csv')) yield 'id,q,a,b,c\n'
    for (const record of records(bytes)) yield line?.(record) ?? ''
  }
  const out = createWriteStream(path)
  if (name.endsWith('.gz')) await pipeline(Readable.from(lines()), createGzip({ level: 1 }), out)
  else await pipeline(Readable.from(lines()), out)
  return path
}

async function read(path: string, how: 'lines' | 'outcomes' | 'log'): Promise<Reading> {
  const { stdout } = await promisify(execFile)(process.execPath, [READER, how, path])
  return JSON.parse(stdout)
}

export async function benchDatasets({ table }: { readonly table: boolean }): Promise<BenchResult[]> {
  const large = table ? 1024 * 1024 * 1024 : 96 * 1024 * 1024
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-bench-datasets-'))
  const method = 'rows of a kilobyte, each file read in a process of its own; megabytes of text, unzipped'
  const results: BenchResult[] = []
  try {
    let plain = Number.NaN
    for (const name of [
      'rows.jsonl',
      'rows.jsonl.gz',
      'table.csv',
      'table.parquet',
      'log.dsjson',
      'log.vw',
    ]) {
      const how = name.startsWith('log') ? 'log' : 'outcomes'
      const paths = [await write(folder, name, large / 8), await write(folder, name, large)] as const
      if (name === 'rows.jsonl') {
        const { ms } = await read(paths[1], 'lines')
        plain = (await stat(paths[1])).size / ms
      }
      const [few, many] = [await read(paths[0], how), await read(paths[1], how)]
      const bytes = name.endsWith('.gz') || name.endsWith('.parquet') ? large : (await stat(paths[1])).size
      results.push({
        name: `datasets (${name}, ${Math.round(large / 1024 / 1024)} MiB)`,
        value: bytes / many.ms / 1000,
        unit: 'MB/s',
        ratios: { 'lines + JSON.parse': bytes / many.ms / plain },
        method,
      })
      results.push({
        name: `datasets (${name}, peak memory)`,
        value: many.peakBytes / 1e6,
        unit: 'MB',
        ratios: { 'an eighth of the file': many.peakBytes / few.peakBytes },
        method,
      })
      for (const path of paths) await rm(path)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return results
}
