/**
 * What a newcomer takes from the documents works: every link leads somewhere, every command is there with the flags it is
 * given, every piece of configuration loads. Each rule reads the repository, and beside it something made up that breaks it.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Command } from 'commander'
import { parse, stringify } from 'yaml'
import { COMMANDS } from '../../cli/index.ts'
import { readMapping } from '../../datasets/formats/mapping.ts'
import { loadRegistry } from '../../server/index.ts'
import {
  type Commands,
  deadLinks,
  documentsOf,
  type FencedBlock,
  fencedBlocks,
  unknownCommands,
} from './doc-rules.ts'
import { readTree, repositoryRoot, type SourceTree } from './tree.ts'

const tree = readTree(repositoryRoot)
// What the changelog tells of was so at its time.
const documents = new Map([...documentsOf(tree)].filter(([path]) => path !== 'CHANGELOG.md'))
const inRepository = (path: string) => existsSync(join(repositoryRoot, path))
const treeOf = (files: Readonly<Record<string, string>>): SourceTree => new Map(Object.entries(files))

describe('links', () => {
  it('lead to files and headings that are there', () => {
    assert.deepEqual(deadLinks(tree), [])
  })

  it('are reported where they do not', () => {
    const page = { 'docs/b.md': '# One `two`\n\n## One\n\n## One\n\n```\n## Not one\n```\n' }
    const links = (text: string) => deadLinks(treeOf({ ...page, 'docs/a.md': text, 'src/x.ts': '' }))
    assert.deepEqual(
      links('[a](b.md#one-two) [b](b.md#one-1) [c](../src/x.ts) [d](../src) [e](https://e.com)'),
      [],
    )
    assert.deepEqual(links('```\n[a](c.md)\n```\n'), [])
    assert.deepEqual(links('[a](c.md)'), ['docs/a.md: c.md leads nowhere'])
    for (const anchor of ['one-2', 'not-one', 'two'])
      assert.deepEqual(links(`[a](b.md#${anchor})`), [`docs/a.md: b.md#${anchor}: there is no such heading`])
  })
})

describe('commands', () => {
  let commands: Commands
  before(async () => {
    commands = await readCommands()
  })
  const scripts = new Set(
    Object.keys(JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')).scripts),
  )
  const benchmarks = new Set(
    [...(tree.get('test/bench/main.ts') ?? '').matchAll(/^ {2}'?([a-z-]+)'?: bench\w+,$/gm)].map(
      ([, name = '']) => name,
    ),
  )

  it('are there, with the flags that they are given', () => {
    assert.ok(commands.size > 25 && benchmarks.size > 10)
    assert.deepEqual(unknownCommands(documents, { scripts, benchmarks, commands }, inRepository), [])
  })

  it('are reported where they are not', () => {
    const faults = (text: string) =>
      unknownCommands(
        treeOf({ 'a.md': text }),
        {
          scripts: new Set(['bench', 'highwayman']),
          benchmarks: new Set(['store']),
          commands: new Map([
            ['serve', new Set(['--port'])],
            ['log', new Set()],
            ['log export', new Set(['--out'])],
          ]),
        },
        (path) => path === 'test/a.test.ts',
      ).map((fault) => fault.split(': ').at(-1))
    const sound = [
      '```\n$ npx highwayman serve --port 1   # here\nhighwayman log export --out x [--out y]\n```',
      '`serve --port 1`, `npm run bench -- store --table`, `A=1 node --test test/a.test.ts`',
      '`npm run highwayman -- serve --help`, `highwayman: an error --no-flag`, `highwayman.yaml`',
    ]
    assert.deepEqual(faults(sound.join('\n')), [])
    assert.deepEqual(faults('```\nhighwayman serve --prot 1 && highwayman sevre\n```\n'), [
      'serve has no flag --prot',
      'there is no command sevre',
    ])
    assert.deepEqual(
      faults('`log export --in x` `highwayman log exprot --out x` `npm run highwayman -- go`'),
      ['log has no flag --out', 'there is no command go', 'log export has no flag --in'],
    )
    assert.deepEqual(faults('`npm run bnech`, `npm run bench -- shop`, `node test/b.ts`'), [
      'there is no script bnech',
      'there is no benchmark shop',
      'there is no file test/b.ts',
    ])
  })
})

describe('pieces of configuration', () => {
  let scratch: string
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'highwayman-docs-'))
  })
  after(() => rmSync(scratch, { recursive: true }))

  /** What the pages take for granted around what they show. */
  const around = {
    providers: {
      openai: {},
      anthropic: {},
      house: { type: 'openai-compatible', baseUrl: 'https://e.com/v1' },
    },
    arms: { 'openai/gpt-5.4': {}, 'anthropic/claude-sonnet-5': {} },
  }
  const env = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', CLICKHOUSE_PASSWORD: 'c' }

  async function load({ text }: Pick<FencedBlock, 'text'>): Promise<void> {
    const piece = parse(text) as Readonly<Record<string, object>>
    // Of a pod, not of ours; docs/deploy has tests of its own.
    if ('spec' in piece) return
    const isMapping = 'prompt' in piece
    const path = join(scratch, isMapping ? 'mapping.yaml' : 'highwayman.yaml')
    if (isMapping) {
      writeFileSync(path, text)
      await readMapping(path)
      return
    }
    const { coldStart: _, ...rest } = piece
    const whole = { ...around, ...rest }
    for (const section of ['providers', 'arms'] as const)
      whole[section] = { ...around[section], ...piece[section] } as never
    writeFileSync(path, stringify(whole))
    assert.ok(loadRegistry({ path, env }) !== undefined)
  }

  const blocks = fencedBlocks(documents).filter(({ language }) => language === 'yaml')
  for (const block of blocks) it(`${block.path}:${block.line} loads`, () => load(block))

  it('are reported where they do not', async () => {
    assert.ok(blocks.length >= 10)
    await assert.rejects(load({ text: 'models: { auto: { flor: 0.1 } }' }), /unknown key "flor"/)
    await assert.rejects(load({ text: 'prompt: q\nnmae: x' }), /nmae/)
  })
})

async function readCommands(): Promise<Commands> {
  const commands = new Map<string, ReadonlySet<string>>()
  const visit = (command: Command, above: readonly string[]): void => {
    const words = [...above, command.name()]
    commands.set(words.join(' '), new Set(command.options.map(({ long }) => long ?? '')))
    for (const below of command.commands) visit(below, words)
  }
  for (const { term, load } of COMMANDS) {
    const command = new Command(term.split(' ', 1)[0])
    const fill = await load()
    fill(command)
    visit(command, [])
  }
  return commands
}
