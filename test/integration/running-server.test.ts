/** How a command finds the server that has a data directory open, and no other. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { announceServer, findServer } from '../../cli/running-server.ts'

describe('the server of a data directory', () => {
  let dataDir: string
  let url: string
  const server = createServer((request, response) => {
    response.statusCode = 503
    response.end(request.url === '/readyz' ? '{"status":"not-ready","replica":"host-7"}' : '')
  })
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-running-'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('is found while it is announced, ready or not', async () => {
    assert.equal(await findServer(dataDir), undefined)
    const withdraw = announceServer(dataDir, url, 'host-7')
    assert.equal(await findServer(dataDir), url)
    withdraw()
    assert.equal(await findServer(dataDir), undefined)
  })

  test('is not another one that listens there by now, nor one that is gone, nor what is no address', async () => {
    for (const [address, replica] of [
      [url, 'host-8'],
      ['http://127.0.0.1:9', 'host-7'],
      ['nonsense', 'host-7'],
    ] as const) {
      announceServer(dataDir, address, replica)
      assert.equal(await findServer(dataDir), undefined, `${address} ${replica}`)
    }
  })
})
