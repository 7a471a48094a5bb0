/** The reader that the architecture rules stand on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseImports } from '../helpers/imports.ts'
import { tokenize } from '../helpers/tokens.ts'

/** `specifier` alone, or with what sets it apart: `type`, `dynamic`, `url`. */
function named(source: string): readonly string[] {
  return parseImports(source).map(({ specifier, kind, typeOnly }) =>
    [kind === 'import' ? [] : kind, typeOnly ? 'type' : [], specifier ?? '?'].flat().join(' '),
  )
}

describe('parseImports', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    "import './a.ts'": ['./a.ts'],
    "import a from './a.ts'": ['./a.ts'],
    "import * as a from './a.ts'": ['./a.ts'],
    "import a, { type B } from './a.ts'": ['./a.ts'],
    "import {\n  a,\n  from,\n} from './a.ts'": ['./a.ts'],
    "import type { A } from './a.ts'": ['type ./a.ts'],
    "import type A from './a.ts'": ['type ./a.ts'],
    "import type * as A from './a.ts'": ['type ./a.ts'],
    "import type from './a.ts'": ['./a.ts'],
    "import type, { a } from './a.ts'": ['./a.ts'],
    "import { type A } from './a.ts'": ['./a.ts'],
    "import prices from './p.json' with { type: 'json' }": ['./p.json'],
    "export * from './a.ts'": ['./a.ts'],
    "export * as a from './a.ts'": ['./a.ts'],
    "export { a } from './a.ts'": ['./a.ts'],
    "export type { A } from './a.ts'": ['type ./a.ts'],
    "export type * from './a.ts'": ['type ./a.ts'],
    "export { a }\nimport b from './b.ts'": ['./b.ts'],
    "export type A = { from: 'x' }\nexport const from = 'y'": [],
    "const a = await import('./a.ts')": ['dynamic ./a.ts'],
    'const a = await import(name)': ['dynamic ?'],
    'const a = await import(`./${name}.ts`)': ['dynamic ?'],
    "const a = await import('./' + name)": ['dynamic ?'],
    "new Worker(new URL('./worker.ts', import.meta.url))": ['url ./worker.ts'],
    "new URL('./a.ts', base)": [],
    "import.meta.url; row.import('./a.ts'); ({ import: './a.ts' })": [],
    "// import './a.ts'\n/* import './b.ts' */ 'import \"./c.ts\"'": [],
    "`import './a.ts' ${await import('./b.ts')} import './c.ts'`": ['dynamic ./b.ts'],
    "a! / b; i++ / c; import './a.ts' // /": ['./a.ts'],
    "x = /[/'\"]/g; import './a.ts'": ['./a.ts'],
  }
  for (const [source, expected] of Object.entries(cases)) {
    it(JSON.stringify(source), () => assert.deepEqual(named(source), expected))
  }

  it('counts lines through comments, strings and templates', () => {
    const source = ['/*', '*/ `', '', '` //', "import './a.ts'", '', "export * from './b.ts'"].join('\n')
    assert.deepEqual(
      parseImports(source).map(({ line }) => line),
      [5, 7],
    )
  })
})

describe('tokenize', () => {
  it('tells a division from a regular expression', () => {
    const kinds = (source: string) => tokenize(source).filter(({ kind }) => kind === 'regex').length
    assert.equal(kinds('a / b / c'), 0)
    assert.equal(kinds('f(a) / b / c'), 0)
    assert.equal(kinds('a[i]! /= b / c'), 0)
    assert.equal(kinds('return /b/.test(c)'), 1)
    assert.equal(kinds('!/b/.test(c)'), 1)
    assert.equal(kinds('f(/a/, b / c)'), 1)
    assert.equal(kinds('() => { x } \n const y = a / /b/.exec(c).index'), 1)
  })

  it('nests templates', () => {
    const text = tokenize(`\`a\${\`b\${c}d\` + { e: 1 }}f$\``).map((token) => token.text)
    assert.deepEqual(text, ['a', 'b', 'c', 'd', '+', '{', 'e', ':', '1', '}', 'f$'])
  })

  it('names the line of what does not end', () => {
    assert.throws(() => tokenize("a\n'b"), /line 2: string without an end/)
    assert.throws(() => tokenize(`\n\n\`\${a}`), /line 3: template without an end/)
  })
})
