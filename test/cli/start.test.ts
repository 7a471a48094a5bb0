/** How the command line starts: the list of commands against the commands, which it does not load; and the compile cache. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Command, Help } from 'commander'
import { COMMANDS } from '../../cli/index.ts'
import { repositoryRoot } from '../house/tree.ts'

describe('the list of commands', () => {
  for (const { term, load } of COMMANDS) {
    it(`says of ${term} what its flags and arguments say`, async () => {
      const command = new Command(term.split(' ', 1)[0])
      ;(await load())(command)
      assert.equal(new Help().subcommandTerm(command), term)
    })
  }
})

describe('compiled code is kept', () => {
  let scratch: string
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'highwayman-start-'))
  })
  after(() => rmSync(scratch, { recursive: true }))

  /** Runs `--version` in a folder of its own, which is to stay empty. */
  function start(name: string, settings: Readonly<Record<string, string>>) {
    const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...env } = process.env
    const project = join(scratch, `${name}-project`)
    mkdirSync(project)
    const { status, stderr } = spawnSync(process.execPath, [join(repositoryRoot, 'cli.ts'), '--version'], {
      cwd: project,
      env: { ...env, ...settings },
      encoding: 'utf8',
    })
    assert.deepEqual(
      { status, stderr, written: readdirSync(project) },
      { status: 0, stderr: '', written: [] },
    )
  }

  it('in the folder for caches of whoever runs it', () => {
    const [caches, home] = [join(scratch, 'caches'), join(scratch, 'home')]
    start('xdg', { XDG_CACHE_HOME: caches, HOME: home })
    assert.deepEqual(readdirSync(caches), ['highwayman'])
    assert.notDeepEqual(readdirSync(join(caches, 'highwayman')), [])
    assert.ok(!existsSync(home))
  })

  it('where NODE_COMPILE_CACHE says', () => {
    const [caches, named] = [join(scratch, 'unused'), join(scratch, 'named')]
    start('named', { XDG_CACHE_HOME: caches, NODE_COMPILE_CACHE: named })
    assert.ok(!existsSync(caches))
    assert.notDeepEqual(readdirSync(named), [])
  })

  it('nowhere, and nothing fails, where no folder can be made or it is switched off', () => {
    const file = join(scratch, 'file')
    writeFileSync(file, '')
    start('file', { XDG_CACHE_HOME: file })
    const off = join(scratch, 'off')
    start('off', { XDG_CACHE_HOME: off, NODE_DISABLE_COMPILE_CACHE: '1' })
    assert.ok(!existsSync(off))
  })
})
