/** The section `store` of the configuration. */
import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { parseConfig, type Registry } from '../../server/index.ts'

const directory = resolve('somewhere')
const GOOD = `
providers: { openai: { apiKey: k } }
arms: { openai/gpt-5-mini: }
`

function parse(text: string, env: Readonly<Record<string, string>> = {}, dataDir?: string): Registry {
  return parseConfig(text, { file: join(directory, 'h.yaml'), env, dataDir })
}

/** The defaults of how rows get to the store. */
function writing(spool: string) {
  return {
    writer: { flushEveryMs: 1_000, batchRowsMax: 20_000 },
    spool: { directory: spool, maxBytes: 1024 ** 3 },
  }
}

describe('store', () => {
  it('is a directory beside the file', () => {
    assert.deepEqual(parse(`${GOOD}store: { dataDir: data/here }\n`).store, {
      kind: 'embedded',
      dataDir: join(directory, 'data/here'),
      ...writing(join(directory, 'data/here/spool')),
    })
  })

  it('is a server', () => {
    assert.deepEqual(
      parse(`${GOOD}store: { url: "https://db:8443", username: u, password: "\${P}" }\n`, { P: 'pw' }).store,
      {
        kind: 'remote',
        url: 'https://db:8443',
        database: 'highwayman',
        username: 'u',
        password: 'pw',
        ...writing(resolve('.highwayman/spool')),
      },
    )
  })

  it('is written to as the file says', () => {
    const { store } = parse(
      `${GOOD}store:
  url: https://db:8443
  caFile: ca.pem
  compression: false
  connectTimeoutMs: 1
  requestTimeoutMs: 2
  flushMs: 3
  batchRows: 4
  spool: { dir: waiting, maxBytes: 2000000 }
`,
    )
    assert.deepEqual(store, {
      kind: 'remote',
      url: 'https://db:8443',
      database: 'highwayman',
      username: undefined,
      password: undefined,
      caFile: join(directory, 'ca.pem'),
      compression: false,
      connectTimeoutMs: 1,
      requestTimeoutMs: 2,
      writer: { flushEveryMs: 3, batchRowsMax: 4 },
      spool: { directory: join(directory, 'waiting'), maxBytes: 2_000_000 },
    })
  })

  it('is where the command line says, whatever the file says', () => {
    assert.deepEqual(parse(`${GOOD}store: { url: "https://db:8443" }\n`, {}, '/data').store, {
      kind: 'embedded',
      dataDir: '/data',
      ...writing('/data/spool'),
    })
  })
})
