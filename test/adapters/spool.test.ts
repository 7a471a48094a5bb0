/** The spool alone: what it gives back after a crash, a torn write, damage, a full and a read-only disk. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { inspectSpool } from '../../adapters/clickhouse/spool/inspect.ts'
import {
  encodeRecord,
  SEGMENT_MAGIC,
  type SpoolClass,
  type SpoolRecord,
  scanSegment,
} from '../../adapters/clickhouse/spool/record.ts'
import { openSpool, type Segment, type Spool, SpoolFull } from '../../adapters/clickhouse/spool/spool.ts'
import { failingDisk } from '../helpers/failing-disk.ts'

let root: string
let directory: string
let spools: Spool[] = []
let clock = 1_700_000_000_000

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-spool-'))
})
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'spool-'))
})
afterEach(async () => {
  await closeAll()
})
after(() => rm(root, { recursive: true, force: true }))

async function closeAll(): Promise<void> {
  for (const spool of spools.splice(0)) await spool.close()
}
async function openIt(options: Partial<Parameters<typeof openSpool>[0]> = {}): Promise<Spool> {
  const spool = await openSpool({ directory, maxBytes: 1_000_000, ...options })
  spools.push(spool)
  return spool
}
async function reopen(options: Partial<Parameters<typeof openSpool>[0]> = {}): Promise<Spool> {
  await closeAll()
  return await openIt(options)
}

function record(text: string, change: Partial<SpoolRecord> = {}): SpoolRecord {
  return {
    class: 'decisions',
    atMs: clock++,
    fromMs: 1,
    toMs: 2,
    parts: [
      { table: 'decisions', columns: ['a', 'b'], rows: 3, token: 'run:1', body: Buffer.from(text) },
      { table: 'observations', columns: ['c'], rows: 1, token: '', body: Buffer.alloc(0) },
    ],
    ...change,
  }
}
const textOf = ({ parts }: SpoolRecord): string => Buffer.from(parts[0]!.body).toString()
const textsIn = async (spool: Spool): Promise<string[]> => {
  const texts: string[] = []
  for (const { place } of spool.loaded) texts.push(textOf(await spool.read(place)))
  return texts
}
/** The one place of one record. */
async function put(spool: Spool, given: SpoolRecord, durable = false) {
  const [place] = await spool.append([given], durable)
  return place!
}
const files = async (slot = '00'): Promise<string[]> =>
  (await readdir(join(directory, slot))).filter((name) => name !== 'lock').sort()

describe('the bytes of a segment', () => {
  const records = fc.array(fc.uint8Array({ minLength: 0, maxLength: 60 }), { minLength: 1, maxLength: 6 })
  const segmentOf = (bodies: readonly Uint8Array[]): { bytes: Buffer; ends: number[] } => {
    const pieces: Buffer[] = [SEGMENT_MAGIC]
    const ends = bodies.map((body) => {
      pieces.push(
        ...encodeRecord(record('', { parts: [{ table: 't', columns: [], rows: 1, token: '', body }] })),
      )
      return Buffer.concat(pieces).length
    })
    return { bytes: Buffer.concat(pieces), ends }
  }
  const bodiesOf = (scan: ReturnType<typeof scanSegment>) =>
    scan.records.map((found) => [...(found.record.parts[0]?.body ?? [])])

  test('cut anywhere, they give every record before the cut and call the rest torn', () => {
    fc.assert(
      fc.property(records, fc.double({ min: 0, max: 1, noNaN: true }), (bodies, share) => {
        const { bytes, ends } = segmentOf(bodies)
        const cut = Math.floor(share * bytes.length)
        const scan = scanSegment(bytes.subarray(0, cut))
        const whole = ends.filter((end) => end <= cut).length
        assert.deepEqual(
          bodiesOf(scan),
          bodies.slice(0, whole).map((body) => [...body]),
        )
        assert.equal(scan.damagedBytes, 0)
        assert.equal(
          scan.tornBytes,
          cut - (ends[whole - 1] ?? (cut >= SEGMENT_MAGIC.length ? SEGMENT_MAGIC.length : 0)),
        )
      }),
      { seed: 11, numRuns: 300 },
    )
  })

  test('with any byte changed, they give every other record, and nothing that was not written', () => {
    fc.assert(
      fc.property(
        records,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        (bodies, share, flip) => {
          const { bytes, ends } = segmentOf(bodies)
          const at = Math.min(Math.floor(share * bytes.length), bytes.length - 1)
          bytes[at]! ^= flip
          const hit = at < SEGMENT_MAGIC.length ? -1 : ends.findIndex((end) => at < end)
          const scan = scanSegment(bytes)
          const start = hit <= 0 ? SEGMENT_MAGIC.length : ends[hit - 1]!
          // The state may say anything: it decides no more than whether the record is asked for again.
          const isState = hit >= 0 && at - start >= 4 && at - start < 8
          const expected = isState || hit < 0 ? bodies : bodies.toSpliced(hit, 1)
          assert.deepEqual(
            bodiesOf(scan),
            expected.map((body) => [...body]),
          )
          if (!isState) assert.ok(scan.damagedBytes + scan.tornBytes > 0)
        },
      ),
      { seed: 12, numRuns: 300 },
    )
  })

  test('whole, but written by something else, a record is damaged, and those behind it are found', () => {
    for (const description of ['null', '[]', '{"class":"decisions"}', 'not JSON']) {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(description.length)
      const payload = Buffer.concat([length, Buffer.from(description)])
      const [header = Buffer.alloc(0)] = encodeRecord(record('one'))
      header.writeUInt32LE(payload.length, 8)
      header.writeUInt32LE(crc32(payload), 12)
      const behind = segmentOf([Buffer.from('two')]).bytes.subarray(SEGMENT_MAGIC.length)
      const scan = scanSegment(Buffer.concat([SEGMENT_MAGIC, header, payload, behind]))
      assert.deepEqual(bodiesOf(scan), [[...Buffer.from('two')]], description)
      assert.equal(scan.damagedBytes, header.length + payload.length)
    }
  })

  test('a tail of zeros, as a power failure leaves it, is torn', () => {
    const { bytes } = segmentOf([Buffer.from('one')])
    const scan = scanSegment(Buffer.concat([bytes, Buffer.alloc(500)]))
    assert.deepEqual([scan.records.length, scan.damagedBytes, scan.tornBytes], [1, 0, 500])
  })
})

describe('a spool', () => {
  test('gives back what was not done, in order, with its columns and tokens', async () => {
    const spool = await openIt()
    const first = record('first', { class: 'attempts' })
    const second = record('second', { class: 'rewards', feedback: { rewardId: 'r', decisionId: 'd' } })
    await put(spool, first)
    const done = await put(spool, record('done'))
    await put(spool, second, true)
    await put(spool, record('third', { class: 'attempts' }))
    await spool.done(done)
    const again = await reopen()
    assert.deepEqual(await textsIn(again), ['first', 'second', 'third'])
    assert.deepEqual(await again.read(again.loaded[0]!.place), first)
    assert.deepEqual(await again.read(again.loaded[1]!.place), second)
    assert.deepEqual(again.loaded[1]!.record, {
      class: 'rewards',
      atMs: second.atMs,
      fromMs: 1,
      toMs: 2,
      feedback: { rewardId: 'r', decisionId: 'd' },
      rows: 4,
      token: 'run:1',
    })
    for (const { place } of again.loaded) await again.done(place)
    assert.deepEqual(await files(), [])
    assert.equal(again.stats().bytes, 0)
    assert.deepEqual((await reopen()).loaded, [])
  })

  test('begins another segment when one is large, and removes those that are done', async () => {
    const spool = await openIt({ segmentBytes: 500 })
    const places = []
    for (let i = 0; i < 12; i += 1) places.push(await put(spool, record(`${i}`)))
    const before = (await files()).length
    assert.ok(before > 3)
    for (const place of places.slice(0, 9)) await spool.done(place)
    assert.ok((await files()).length < before)
    assert.deepEqual(await textsIn(await reopen()), ['9', '10', '11'])
  })

  test('never hands out a place of a killed process: its own records begin in a new segment', async () => {
    const spool = await openIt()
    await put(spool, record('old'))
    const again = await reopen()
    await put(again, record('new'))
    assert.equal((await files()).length, 2)
    assert.deepEqual(await textsIn(await reopen()), ['old', 'new'])
  })

  test('a torn last record is left out, and said', async () => {
    const spool = await openIt()
    await put(spool, record('whole'))
    await put(spool, record('torn'))
    await closeAll()
    const [name = ''] = await files()
    const path = join(directory, '00', name)
    await truncate(path, (await readFile(path)).length - 5)
    const again = await openIt()
    assert.deepEqual(await textsIn(again), ['whole'])
    assert.ok(again.stats().tornBytes > 0)
    assert.equal(again.stats().damagedBytes, 0)
  })

  test('a damaged record in the middle costs itself alone, is said, and its segment is kept', async () => {
    const spool = await openIt()
    for (const text of ['one', 'two', 'three']) await put(spool, record(text))
    await closeAll()
    const path = join(directory, '00', (await files())[0]!)
    const bytes = await readFile(path)
    bytes[bytes.indexOf('two', 0, 'latin1')]! ^= 1
    await writeFile(path, bytes)
    const again = await openIt()
    assert.deepEqual(await textsIn(again), ['one', 'three'])
    assert.ok(again.stats().damagedBytes > 0)
    for (const { place } of again.loaded) await again.done(place)
    const [kept = ''] = await files()
    assert.match(kept, /-refused\.damaged$/)
    assert.deepEqual((await reopen()).loaded, [])
    assert.deepEqual(inspectSpool(directory).damaged, [join(directory, '00', kept)])
  })

  test('a record that is damaged while it waits is not given out', async () => {
    const spool = await openIt()
    const place = await put(spool, record('fine'))
    const bytes = await readFile(place.segment.path)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(place.segment.path, bytes)
    await assert.rejects(spool.read(place), /damaged/)
    assert.ok(spool.stats().damagedBytes > 0)
  })

  test('a file that is no segment loses nothing else', async () => {
    const spool = await openIt()
    await put(spool, record('one'))
    await closeAll()
    await writeFile(join(directory, '00', '0000000000-decisions.segment'), 'something else altogether')
    const again = await openIt()
    assert.deepEqual(await textsIn(again), ['one'])
    assert.ok(again.stats().damagedBytes > 0)
  })

  test('full, it gives up the least important first and the oldest of those, and feedback never', async () => {
    const body = 'x'.repeat(500)
    const size = encodeRecord(record(body)).reduce((sum, piece) => sum + piece.length, SEGMENT_MAGIC.length)
    const maxBytes = 5 * size + 100
    const spool = await openIt({ maxBytes, segmentBytes: 1 })
    const evicted: Segment[] = []
    spool.onEvicted = (segment) => evicted.push(segment)
    const add = (kind: SpoolClass) => put(spool, record(body, { class: kind }))
    for (const kind of ['rewards', 'observations', 'decisions', 'attempts', 'attempts'] as const)
      await add(kind)
    assert.equal(evicted.length, 0)
    for (const _ of [1, 2, 3, 4]) await add('rewards')
    assert.deepEqual(
      evicted.map((segment) => segment.class),
      ['attempts', 'attempts', 'decisions', 'observations'],
    )
    assert.ok(evicted[0]!.path < evicted[1]!.path)
    await assert.rejects(add('rewards'), SpoolFull)
    await assert.rejects(add('observations'), SpoolFull)
    assert.ok(spool.stats().bytes <= maxBytes)
    const again = await reopen()
    assert.deepEqual(
      again.loaded.map((loaded) => loaded.record.class),
      Array(5).fill('rewards'),
    )
  })

  test('of one class the oldest goes, and what is larger than the spool does not come in', async () => {
    const spool = await openIt({ maxBytes: 3_000, segmentBytes: 1 })
    for (let i = 0; i < 9; i += 1) await put(spool, record(`${i}`.padEnd(500)))
    await assert.rejects(put(spool, record('x'.repeat(3_000))), SpoolFull)
    const texts = await textsIn(await reopen())
    assert.deepEqual(
      texts.map((text) => text.trim()),
      ['5', '6', '7', '8'].slice(-texts.length),
    )
    assert.ok(texts.length >= 3)
  })

  test('a write that fails leaves the spool as it was, and the next one succeeds', async () => {
    const disk = failingDisk()
    const spool = await openIt({ open: disk.open })
    await put(spool, record('before'), true)
    for (const [kind, code] of [
      ['write', 'ENOSPC'],
      ['sync', 'EIO'],
    ] as const) {
      disk.failing = kind
      await assert.rejects(put(spool, record('lost'), true), { code })
      disk.failing = undefined
      await put(spool, record(`after ${code}`), true)
    }
    assert.deepEqual(await textsIn(await reopen()), ['before', 'after ENOSPC', 'after EIO'])
  })
})

describe('a slot of the spool', () => {
  test('belongs to one at a time: a second one takes another', async () => {
    const first = await openIt()
    const second = await openIt()
    assert.ok(first.path.endsWith('00') && second.path.endsWith('01'))
    await put(first, record('of the first'))
    await put(second, record('of the second'))
    assert.equal(inspectSpool(directory).slotsInUse, 2)
    assert.ok(inspectSpool(directory).bytes > 0)
    // One comes back where there were two: it brings in what the other has left.
    const alone = await reopen()
    assert.deepEqual(await textsIn(alone), ['of the first', 'of the second'])
    assert.deepEqual(await files('01'), [])
  })

  test('is let go by a killed process, and what it had synced is there', async (context) => {
    const script = `
      import { openSpool } from ${JSON.stringify(new URL('../../adapters/clickhouse/spool/spool.ts', import.meta.url).href)}
      const spool = await openSpool({ directory: ${JSON.stringify(directory)}, maxBytes: 1e6 })
      const parts = [{ table: 't', columns: [], rows: 1, token: 'a', body: Buffer.from('survives') }]
      await spool.append([{ class: 'rewards', atMs: 1, fromMs: 1, toMs: 1, parts }], true)
      console.log('ready')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // Else a failure would leave it, and this file would never end.
    context.after(() => child.kill('SIGKILL'))
    await once(createInterface({ input: child.stdout }), 'line')
    const beside = await openIt()
    assert.ok(beside.path.endsWith('01'))
    assert.deepEqual(beside.loaded, [])
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const next = await openIt()
    assert.ok(next.path.endsWith('00'))
    assert.deepEqual(await textsIn(next), ['survives'])
  })

  test('in a file instead of a directory is refused, with the setting to change', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    await assert.rejects(openSpool({ directory: file, maxBytes: 1e6 }), {
      code: 'store_bad_location',
      message: /store\.spool\.dir/,
    })
    assert.match(inspectSpool(join(file, 'spool')).problem ?? '', /store\.spool\.dir/)
  })
})

describe('a spool on a disk of one megabyte', () => {
  let disk: string
  let mountProblem: string | false = false
  const mount = (...options: string[]): void => {
    execFileSync('mount', [...options, disk], { stdio: 'pipe' })
  }

  before(async () => {
    disk = join(root, 'disk')
    await mkdir(disk)
    try {
      mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
    } catch {
      mountProblem = 'needs the right to mount a file system'
    }
  })
  after(() => {
    if (mountProblem === false) execFileSync('umount', [disk])
  })

  test('that is full refuses what comes, keeps what it has, and goes on when there is room', async (t) => {
    if (mountProblem !== false) return t.skip(mountProblem)
    const spool = await openIt({ directory: join(disk, 'a'), maxBytes: 1e9 })
    const taken: string[] = []
    await assert.rejects(
      async () => {
        for (let i = 0; i < 50; i += 1) {
          await put(spool, record(`${i}`.padEnd(60_000)), true)
          taken.push(`${i}`)
        }
      },
      (error: Error) => /ENOSPC|the disk took/.test(`${'code' in error ? error.code : ''}${error.message}`),
    )
    assert.ok(taken.length > 5)
    // Smaller ones still fit, into what the failed one has given back.
    await put(spool, record('small'), true)
    const again = await reopen({ directory: join(disk, 'a'), maxBytes: 1e9 })
    assert.deepEqual(
      (await textsIn(again)).map((text) => text.trim()),
      [...taken, 'small'],
    )
    for (const { place } of again.loaded) await again.done(place)
    await put(again, record('x'.repeat(500_000)), true)
    for (const spool of spools) await spool.close()
    spools = []
    await rm(join(disk, 'a'), { recursive: true })
  })

  test('that is read-only is said when it is opened', async (t) => {
    if (mountProblem !== false) return t.skip(mountProblem)
    const where = join(disk, 'b')
    const spool = await openIt({ directory: where })
    const place = await put(spool, record('before'), true)
    await closeAll()
    mount('-o', 'remount,ro')
    try {
      await assert.rejects(openSpool({ directory: where, maxBytes: 1e6 }), {
        code: 'store_bad_location',
        message: /store\.spool\.dir/,
      })
      assert.match(inspectSpool(where).problem ?? '', /EROFS|read-?only|store\.spool\.dir/i)
    } finally {
      mount('-o', 'remount,rw')
    }
    const again = await openIt({ directory: where })
    assert.deepEqual(await textsIn(again), ['before'])
    assert.equal(place.bytes, again.loaded[0]!.place.bytes)
  })
})
