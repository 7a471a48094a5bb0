/** docs/decisions: numbered without gaps, every record in the index with its own title, and the headings kept. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTree, repositoryRoot, type SourceTree } from './tree.ts'

const HEADINGS = ['## Context', '## Decision', '## What else was weighed', '## What it costs']

/** What is wrong with the records, by file. */
function faultsOf(tree: SourceTree): readonly string[] {
  const index = tree.get('docs/decisions/README.md') ?? ''
  const rows = [...index.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (.+?) \|$/gm)]
  const records = [...tree].filter(([path]) => /^docs\/decisions\/\d/.test(path)).sort()
  return [
    ...records.flatMap(([path, text], i) => {
      const number = String(i + 1).padStart(4, '0')
      const file = path.slice('docs/decisions/'.length)
      const [, , name, title, state] = rows[i] ?? []
      const lines = text.split('\n')
      const faults = [
        /^\d{4}-[a-z0-9-]+\.md$/.test(file) && file.startsWith(number) ? [] : `is not number ${number}`,
        name === file ? [] : `is not row ${i + 1} of the index`,
        lines[0] === `# ${number}: ${title}` ? [] : 'has another title than the index',
        lines.includes(`State: ${state}`) ? [] : 'has another state than the index',
        HEADINGS.filter((heading) => !lines.includes(heading)).map((heading) => `has no "${heading}"`),
      ]
      return faults.flat().map((fault) => `${file} ${fault}`)
    }),
    ...(rows.length > records.length ? ['the index has more rows than there are records'] : []),
  ]
}

describe('decision records', () => {
  const record = (title: string) => [`# ${title}`, '', 'State: accepted', '', ...HEADINGS, ''].join('\n')
  const sound = {
    'docs/decisions/README.md':
      '| [0001](0001-a.md) | A | accepted |\n| [0002](0002-b.md) | B | accepted |\n',
    'docs/decisions/0001-a.md': record('0001: A'),
    'docs/decisions/0002-b.md': record('0002: B'),
  }
  const faults = (files: Readonly<Record<string, string>>) => faultsOf(new Map(Object.entries(files)))

  it('in the repository', () => {
    const tree = readTree(repositoryRoot)
    assert.ok([...tree.keys()].some((path) => path.startsWith('docs/decisions/0001-')))
    assert.deepEqual(faultsOf(tree), [])
  })

  it('reports a gap, a missing row, a drifted title and a missing heading', () => {
    assert.deepEqual(faults(sound), [])
    const { 'docs/decisions/0001-a.md': _, ...gap } = sound
    assert.ok(faults(gap).includes('0002-b.md is not number 0001'))
    assert.ok(
      faults({ ...sound, 'docs/decisions/0003-c.md': record('0003: C') }).includes(
        '0003-c.md is not row 3 of the index',
      ),
    )
    assert.deepEqual(faults({ ...sound, 'docs/decisions/0002-b.md': record('0002: Z') }), [
      '0002-b.md has another title than the index',
    ])
    const shortened = sound['docs/decisions/0001-a.md'].replace('## What it costs', '')
    assert.deepEqual(faults({ ...sound, 'docs/decisions/0001-a.md': shortened }), [
      '0001-a.md has no "## What it costs"',
    ])
    const longer = `${sound['docs/decisions/README.md']}| [0003](0003-c.md) | C | accepted |\n`
    assert.deepEqual(faults({ ...sound, 'docs/decisions/README.md': longer }), [
      'the index has more rows than there are records',
    ])
  })
})
