/** Fetching from a real server on this machine: checksums, what is kept, what is tried again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { FETCH_LOCK, fetchDataset, MANIFEST, type PublishedSet, readManifest } from '../../datasets/index.ts'
import { datasetError, type Folder, temporaryFolder } from '../helpers/dataset-files.ts'

const BODY = Buffer.alloc(3_000_000, 'a line of data\n')
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

suite('fetch', () => {
  let folder: Folder
  let server: Server
  let url = ''
  let requests: string[] = []
  /** What each path answers; a list is used up one by one. */
  let answers: Record<string, { status?: number; body?: Buffer; cut?: boolean; location?: string }[]> = {}

  before(async () => {
    folder = await temporaryFolder()
    server = createServer((request, response) => {
      const path = request.url ?? ''
      requests.push(path)
      const queue = answers[path] ?? []
      const {
        status = 200,
        body = BODY,
        cut = false,
        location,
      } = (queue.length > 1 ? queue.shift() : queue[0]) ?? {
        status: 404,
        body: Buffer.from('no'),
      }
      response.writeHead(status, {
        'content-length': body.length,
        ...(location !== undefined && { location }),
      })
      if (cut) response.write(body.subarray(0, 100_000), () => response.destroy())
      else response.end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await folder.close()
  })
  beforeEach(() => {
    requests = []
    answers = { '/a': [{}], '/b': [{ body: Buffer.from('small') }] }
  })

  const setOf = (digest?: string): PublishedSet => ({
    what: 'a set',
    source: 'here',
    licence: 'MIT',
    files: [
      { url: `${url}/a`, path: 'deep/a.csv', ...(digest !== undefined && { sha256: digest }) },
      { url: `${url}/b`, path: 'b.csv' },
    ],
  })
  const retryMs = 1

  test('streams to the disk, checks what is stated, and fixes the rest at first sight', async () => {
    const to = await folder.of({})
    const files = await fetchDataset(setOf(sha256(BODY)), to)
    assert.deepEqual(
      files.map(({ path, bytes, checked, fetched }) => [path, bytes, checked, fetched]),
      [
        ['deep/a.csv', BODY.length, 'manifest', true],
        ['b.csv', 5, 'first', true],
      ],
    )
    assert.deepEqual(await readFile(join(to, 'deep/a.csv')), BODY)
    const lock = JSON.parse(await readFile(join(to, FETCH_LOCK), 'utf8'))
    assert.deepEqual(lock['b.csv'], { url: `${url}/b`, sha256: sha256('small'), bytes: 5 })
    // What is there and whole is not fetched again; what was changed on the disk is.
    requests = []
    const again = await fetchDataset(setOf(sha256(BODY)), to)
    assert.deepEqual(
      again.map(({ fetched, checked }) => [fetched, checked]),
      [
        [false, 'manifest'],
        [false, 'lock'],
      ],
    )
    assert.deepEqual(requests, [])
    await writeFile(join(to, 'b.csv'), 'other')
    await fetchDataset(setOf(sha256(BODY)), to)
    assert.deepEqual([requests, await readFile(join(to, 'b.csv'), 'utf8')], [['/b'], 'small'])
  })

  test('another checksum than the manifest states: refused, nothing kept', async () => {
    const to = await folder.of({})
    const error = await datasetError(fetchDataset(setOf('0'.repeat(64)), to))
    assert.equal(error.code, 'dataset_checksum')
    assert.ok(error.message.includes(sha256(BODY)) && error.message.includes('0'.repeat(64)))
    assert.deepEqual(await readdir(join(to, 'deep')), [])
    assert.deepEqual(requests, ['/a'])
  })

  test('another checksum than the first time: refused, and what was there stays', async () => {
    const to = await folder.of({})
    await fetchDataset(setOf(), to)
    await writeFile(join(to, 'b.csv'), 'mine')
    answers['/b'] = [{ body: Buffer.from('changed') }]
    const error = await datasetError(fetchDataset(setOf(), to))
    assert.equal(error.code, 'dataset_checksum')
    assert.match(error.message, /holds from an earlier fetch .* remove its entry from fetch\.lock\.json/)
    assert.equal(await readFile(join(to, 'b.csv'), 'utf8'), 'mine')
    assert.deepEqual((await readdir(to)).sort(), ['b.csv', 'deep', FETCH_LOCK].sort())
  })

  test('what may pass is tried again: a status of 503, a connection that breaks', async () => {
    answers['/a'] = [{ status: 503 }, { cut: true }, {}]
    const [file] = await fetchDataset(setOf(sha256(BODY)), await folder.of({}), { retryMs })
    assert.equal(file?.bytes, BODY.length)
    assert.deepEqual(requests, ['/a', '/a', '/a', '/b'])
  })

  test('and given up after three times; a 404 at once', async () => {
    answers['/a'] = [{ cut: true }]
    const to = await folder.of({})
    const broken = await datasetError(fetchDataset(setOf(), to, { retryMs }))
    assert.equal(broken.code, 'dataset_fetch_failed')
    assert.equal(requests.length, 3)
    assert.deepEqual(await readdir(join(to, 'deep')), [])
    answers['/a'] = [{ status: 404 }]
    requests = []
    const gone = await datasetError(fetchDataset(setOf(), to, { retryMs }))
    assert.match(gone.message, /\/a: answered with status 404/)
    assert.equal(requests.length, 1)
  })

  test('follows where it is sent', async () => {
    answers['/a'] = [{ status: 302, location: `${url}/b` }]
    const [file] = await fetchDataset(setOf(sha256('small')), await folder.of({}))
    assert.equal(file?.bytes, 5)
  })

  test('more bytes than allowed end it; so does a signal', async () => {
    const to = await folder.of({})
    const long = await datasetError(fetchDataset(setOf(), to, { maxBytes: 1_000_000 }))
    assert.match(long.message, /longer than 1000000 bytes/)
    await assert.rejects(
      fetchDataset(setOf(), to, { signal: AbortSignal.abort(new Error('enough')) }),
      /enough/,
    )
    assert.deepEqual(await readdir(join(to, 'deep')), [])
  })

  test('nobody there', async () => {
    const set = { ...setOf(), files: [{ url: 'http://127.0.0.1:1/x', path: 'x' }] }
    const error = await datasetError(fetchDataset(set, await folder.of({}), { retryMs }))
    assert.equal(error.code, 'dataset_fetch_failed')
  })
})

suite('the manifest', () => {
  test('ours: addresses of a fixed state wherever there is one, licences, no path twice', async () => {
    const sets = await readManifest(MANIFEST)
    for (const name of [
      'routellm',
      'routerbench-0shot',
      'obd-sample',
      'arrivals-azure2023',
      'arrivals-mooncake',
    ]) {
      assert.ok(sets.has(name), name)
    }
    for (const [name, { files, licence }] of sets) {
      assert.notEqual(licence, '')
      assert.equal(new Set(files.map(({ path }) => path)).size, files.length, name)
      for (const { url } of files) {
        if (url.includes('githubusercontent')) assert.match(url, /\/[0-9a-f]{40}\//, 'a commit, not a branch')
      }
    }
    assert.equal(
      sets.get('routellm')?.files.filter(({ path }) => path.startsWith('mmlu/responses/')).length,
      57,
    )
  })

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a path out of the folder', { path: '../x' }, /files\.0\.path: expected a path below the folder/],
    ['an absolute path', { path: '/etc/x' }, /expected a path below the folder/],
    ['a file address', { url: 'file:///etc/x' }, /files\.0\.url: expected an http or https address/],
    ['half a checksum', { sha256: 'abc' }, /files\.0\.sha256: expected 64 hexadecimal digits/],
  ]
  for (const [what, change, message] of bad) {
    test(`one’s own: ${what} is refused`, async () => {
      const folder = await temporaryFolder()
      const file = { url: 'https://example.com/x', path: 'x', ...(change as object) }
      const manifest = { mine: { what: 'w', source: 's', licence: 'l', files: [file] } }
      const place = await folder.of({ 'm.json': JSON.stringify(manifest) })
      const error = await datasetError(readManifest(join(place, 'm.json')))
      await folder.close()
      assert.match(error.message, message)
    })
  }
})
