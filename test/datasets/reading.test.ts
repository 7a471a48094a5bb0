/** What all readers share: an end by signal, problems told instead of thrown, compressed Parquet, and ids compared without keeping them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { Fingerprints } from '../../datasets/fingerprints.ts'
import { pythonTexts } from '../../datasets/formats/python-list.ts'
import { type DatasetError, openDataset, readBanditFile, readLogFile } from '../../datasets/index.ts'
import { readCsv } from '../../datasets/read/csv.ts'
import { csv, type Folder, listOf, temporaryFolder, writeParquetTable } from '../helpers/dataset-files.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

const rowLine = (i: number) =>
  `${JSON.stringify({ prompt_id: `p${i}`, split: 's', task: 't', prompt: 'x'.repeat(200), outcomes: { a: { quality: 1 } } })}\n`
const MAPPING = 'prompt: q\narms: { a: { quality: s } }\n'

/** One long file of each format, and how to read it. */
async function longFiles(): Promise<
  Readonly<Record<string, (signal: AbortSignal) => AsyncIterable<unknown>>>
> {
  const count = 20_000
  const each = (line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join('')
  const place = await folder.of({
    'rows.jsonl': each(rowLine),
    'rows.jsonl.gz': gzipSync(each(rowLine)),
    't.csv': `q,s\n${each((i) => `${'x'.repeat(100)}${i},1\n`)}`,
    't.mapping.yaml': MAPPING,
    'log.vw': each((i) => `0:1:0.5 |a ${'x'.repeat(100)}${i}\n|b\n\n`),
    'log.dsjson': each(
      (i) => `{"a":[1],"p":[1],"_label_cost":1,"c":{"f":"${'x'.repeat(100)}${i}","_multi":[{}]}}\n`,
    ),
  })
  await writeParquetTable(
    join(place, 't.parquet'),
    Array.from({ length: count }, (_, i) => ({ q: `x${i}`, s: 1 })),
  )
  const rows = (name: string) => (signal: AbortSignal) => ({
    async *[Symbol.asyncIterator]() {
      yield* (await openDataset(join(place, name))).rows({ signal })
    },
  })
  const bandit = (name: string) => (signal: AbortSignal) =>
    readBanditFile(join(place, name), undefined, { signal })
  return {
    'rows.jsonl': rows('rows.jsonl'),
    'rows.jsonl.gz': rows('rows.jsonl.gz'),
    't.csv': rows('t.csv'),
    't.parquet': rows('t.parquet'),
    'log.vw': bandit('log.vw'),
    'log.dsjson': bandit('log.dsjson'),
    'a log of ours': (signal) => readLogFile(join(place, 'log.dsjson'), 'dsjson', { signal }),
  }
}

test('a signal ends the reading of every format with its reason, before the end of the file', async () => {
  for (const [name, read] of Object.entries(await longFiles())) {
    const controller = new AbortController()
    let count = 0
    const reading = (async () => {
      for await (const _ of read(controller.signal)) if (++count === 10) controller.abort(new Error('enough'))
    })()
    await assert.rejects(reading, /enough/, name)
    assert.ok(count < 20_000, `${name}: ${count}`)
    await assert.rejects(listOf(read(AbortSignal.abort(new Error('before')))), /before/, name)
  }
})

test('leaving early closes the file, and reading can begin again', async () => {
  const dataset = await openDataset(
    await folder.of({ 'prompts.jsonl': Array.from({ length: 5000 }, (_, i) => rowLine(i)).join('') }),
  )
  for (let i = 0; i < 200; i++) for await (const _ of dataset.rows()) break
  assert.equal((await listOf(dataset.rows())).length, 5000)
})

test('problems are told and passed over where somebody listens', async () => {
  const text = `q,s\none,1\ntwo,x\nthree\n"four, quoted",0\n`
  const place = await folder.of({ 't.csv': text, 't.mapping.yaml': MAPPING })
  const problems: DatasetError[] = []
  const rows = await listOf(
    (await openDataset(join(place, 't.csv'))).rows({ onProblem: (problem) => problems.push(problem) }),
  )
  assert.deepEqual(
    rows.map(({ prompt }) => prompt),
    ['one', 'four, quoted'],
  )
  assert.deepEqual(
    problems.map(({ message }) => message.replace(/^.*t\.csv/, '')),
    [':3 s: expected a number, got "x"', ':4: expected 2 fields as in the header, got 1'],
  )
})

suite('CSV', () => {
  test('any table comes back, each record with the line it begins on', async () => {
    const place = await folder.of({})
    const cell = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '😀'),
      maxLength: 6,
    })
    // A record of one empty cell is an empty line, which is passed over.
    const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 8 })
    const { writeFile } = await import('node:fs/promises')
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const path = join(place, 'any.csv')
        await writeFile(path, csv([['x', 'y', 'z'], ...rows]))
        const back = await listOf(readCsv(path))
        assert.deepEqual(
          back.map(({ values }) => values),
          rows.map((row) => [...row]),
        )
        let line = 2
        for (const [i, row] of rows.entries()) {
          assert.equal(back[i]?.line, line)
          line += 1 + row.join('').split('\n').length - 1
        }
      }),
      { seed: 5, numRuns: 200 },
    )
  })

  test('line ends of Windows, a byte order mark, empty lines', async () => {
    const place = await folder.of({
      't.csv': '\uFEFFq,s\r\n\r\none,1\r\n"two\r\nlines",0\r\n',
      't.mapping.yaml': MAPPING,
    })
    const rows = await listOf((await openDataset(join(place, 't.csv'))).rows())
    assert.deepEqual(
      rows.map(({ promptId, prompt }) => [promptId, prompt]),
      [
        ['t.csv:3', 'one'],
        ['t.csv:4', 'two\r\nlines'],
      ],
    )
  })
})

test('a byte order mark before lines of JSON, and before models.json', async () => {
  const models = '{"a":{"input_usd_per_mtok":1,"output_usd_per_mtok":2}}'
  const place = await folder.of({
    'prompts.jsonl': `\uFEFF${rowLine(1)}${rowLine(2)}`,
    'models.json': `\uFEFF${models}`,
    'log.dsjson': '\uFEFF{"a":[1],"p":[1],"_label_cost":1,"c":{"_multi":[{}]}}\n',
  })
  const dataset = await openDataset(place)
  assert.equal((await listOf(dataset.rows())).length, 2)
  assert.equal(dataset.models.get('a')?.outputUsdPerMtok, 2)
  assert.equal((await listOf(readBanditFile(join(place, 'log.dsjson')))).length, 1)
})

test('Parquet with pages packed by zstd, gzip, brotli and snappy', async () => {
  const place = await folder.of({})
  const pack = {
    ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
    GZIP: (bytes: Uint8Array) => gzipSync(bytes),
    BROTLI: (bytes: Uint8Array) => brotliCompressSync(bytes),
    SNAPPY: undefined,
  }
  for (const [codec, compress] of Object.entries(pack)) {
    const path = join(place, `${codec}.parquet`)
    async function* rows() {
      for (let i = 0; i < 500; i++) yield { q: `question ${i}`, s: i % 2 }
    }
    await parquetWriteRows({
      writer: fileWriter(path),
      rows: rows(),
      columns: [{ name: 'q' }, { name: 's' }],
      schema: [
        { name: 't', num_children: 2 },
        { name: 'q', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 's', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
      ],
      codec: codec as 'ZSTD',
      ...(compress !== undefined && { compressors: { [codec]: compress } }),
      rowGroupSize: 200,
    })
    await folderMapping(place, codec)
    const read = await listOf((await openDataset(path)).rows())
    assert.equal(read.length, 500, codec)
    assert.equal(read[499]?.prompt, 'question 499', codec)
  }
})

async function folderMapping(place: string, stem: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises')
  await writeFile(join(place, `${stem}.mapping.yaml`), MAPPING)
}

suite('fingerprints', () => {
  test('behave as a map, whatever is put in', () => {
    const key = fc.string({ maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat(1000), fc.boolean()), { maxLength: 3000 }), (steps) => {
        const [ours, model] = [new Fingerprints(), new Map<string, number>()]
        for (const [text, value, isSet] of steps) {
          if (isSet) {
            ours.set(text, value)
            model.set(text, value)
          } else {
            assert.equal(ours.add(text, value), model.get(text))
            if (!model.has(text)) model.set(text, value)
          }
        }
        assert.equal(ours.size, model.size)
        for (const [text, value] of model) assert.equal(ours.get(text), value)
        assert.equal(ours.get('not there at all'), undefined)
      }),
      { seed: 11, numRuns: 50 },
    )
  })

  test('many', () => {
    const many = new Fingerprints()
    for (let i = 0; i < 50_000; i++) assert.equal(many.add(`id-${i}`, i), undefined)
    for (let i = 0; i < 50_000; i++) assert.equal(many.add(`id-${i}`, 0), i)
    assert.equal(many.size, 50_000)
  })
})

suite('lists as Python writes them', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["['one']", ['one']],
    [`["it's", 'a "b"']`, ["it's", 'a "b"']],
    [`['line\\nbreak', 'back\\\\slash', 'quote\\'s']`, ['line\nbreak', 'back\\slash', "quote's"]],
    [`['\\x41\\u00e9\\U0001f600']`, ['Aé😀']],
    ["['a'\n 'b']", ['a', 'b']],
    ['plain text', ['plain text']],
    ['[1, 2]', ['[1, 2]']],
    ["['not closed", ["['not closed"]],
    ["['one'] and more", ["['one'] and more"]],
    ['', ['']],
  ]
  for (const [text, texts] of cases) {
    test(JSON.stringify(text), () => assert.deepEqual(pythonTexts(text), texts))
  }
})
