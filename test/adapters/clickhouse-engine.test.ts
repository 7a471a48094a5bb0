/** Opening the embedded engine where it cannot be opened. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openStore } from '../../adapters/index.ts'

let root: string

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-engine-'))
})
after(() => rm(root, { recursive: true, force: true }))

test('without the optional package the error names both ways out', async () => {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (!specifier.startsWith('chdb')) return next(specifier, context)
      throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })
  try {
    await assert.rejects(openStore({ kind: 'embedded', dataDir: join(root, 'a'), replica: 'r' }), {
      code: 'store_engine_missing',
      message: /npm install chdb.*store\.url/,
    })
  } finally {
    hooks.deregister()
  }
})

test('a data directory that is a file is named', async () => {
  const file = join(root, 'file')
  await writeFile(file, '')
  await assert.rejects(openStore({ kind: 'embedded', dataDir: file, replica: 'r' }), (error: Error) => {
    assert.ok('code' in error && error.code === 'store_bad_location')
    assert.ok(error.message.includes(file))
    return true
  })
})

test('a replica without a name is refused', async () => {
  await assert.rejects(openStore({ kind: 'embedded', dataDir: join(root, 'b'), replica: '' }), {
    code: 'store_bad_location',
  })
})
