/** What a bad configuration is told: the place exactly, the repair where there is one, and never a secret. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { ConfigError, type ConfigProblem, parseConfig } from '../../server/config/index.ts'
import { configSchema } from '../../server/config/schema.ts'
import { listSettings } from '../../server/config/schema-keys.ts'
import { GOOD, MISTAKES } from './config-mistakes.ts'
import { REWARD_MISTAKES } from './config-mistakes-rewards.ts'
import { WISH_MISTAKES } from './config-mistakes-wishes.ts'

const EXAMPLE = readFileSync(resolve(import.meta.dirname, '../../highwayman.example.yaml'), 'utf8')

type Env = Readonly<Record<string, string | undefined>>

function errorOf(text: string, env: Env = {}): ConfigError | undefined {
  try {
    parseConfig(text, { file: 'h.yaml', env })
    return undefined
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error
  }
}

function problemsOf(text: string, env: Env = {}): readonly ConfigProblem[] {
  const error = errorOf(text, env)
  assert.ok(error, 'the configuration was accepted')
  assert.equal(error.code, 'config_invalid')
  return error.problems
}

describe('each mistake is told at its place', () => {
  for (const { title, text, good, env, path, message } of [
    ...MISTAKES,
    ...WISH_MISTAKES,
    ...REWARD_MISTAKES,
  ]) {
    it(title, () => {
      const whole = (good === false ? '' : GOOD) + text
      const before = whole.slice(0, whole.indexOf('▶')).split('\n')
      const problems = problemsOf(whole.replace('▶', ''), env)
      const first = problems[0]
      assert.ok(first)
      assert.match(first.message, message)
      assert.deepEqual(
        { line: first.line, column: first.column, path: first.path },
        { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, path },
      )
      // What is not YAML can be told in more than one place; anything else only once.
      if (!first.message.startsWith('not YAML'))
        assert.equal(problems.length, 1, problems.map((p) => p.message).join('\n'))
    })
  }
})

describe('all mistakes are told at once', () => {
  it('in the order of the file, those within parts and those between them', () => {
    const text = `${GOOD}  openai/gpt-99: { prise: {} }
models:
  auto: { arms: [openai/gpt-4], floor: 3, policy: thomson }
aliases: { a: b, b: a }
tenants:
  t: { keys: ["\${UNSET}", sk-1], deny: [larg] }
server: { port: -1, hots: x }
`
    assert.deepEqual(
      problemsOf(text).map(({ line, path }) => `${line} ${path}`),
      [
        '6 arms.openai/gpt-99.prise',
        '8 models.auto.arms[0]',
        '8 models.auto.floor',
        '8 models.auto.policy',
        '9 aliases.a',
        '9 aliases.b',
        '11 tenants.t.keys[0]',
        '11 tenants.t.deny[0]',
        '12 server.port',
        '12 server.hots',
      ],
    )
  })

  it('as lines with file, line, column and path', () => {
    const error = errorOf(`${GOOD}server: { port: 0, drainMs: -1, maxAttempts: 0 }\n`)
    assert.equal(
      error?.message,
      'h.yaml:6:29 server.drainMs: must be ≥ 0, got -1\nh.yaml:6:46 server.maxAttempts: must be ≥ 1, got 0',
    )
  })

  it('two in one list do not hide what is beside it', () => {
    const text = `${GOOD}tenants: { t: { keys: ["", ""], deny: [nothing] } }\n`
    assert.deepEqual(
      problemsOf(text).map(({ path }) => path),
      ['tenants.t.keys[0]', 'tenants.t.keys[1]', 'tenants.t.deny[0]'],
    )
  })

  it('but what follows from another mistake is not', () => {
    const text = `providers:
  openai: { apiKey: k, baseUrl: not an address }
  house: { type: openai-compatible, baseUrl: ftp://h }
arms:
  openai/gpt-5: { tags: [large] }
  openai/gpt-99: { price: { inputUsdPerMtok: -1, outputUsdPerMtok: 1 }, tags: [new] }
  house/x: {}
models:
  auto: { arms: [openai/gpt-5, openai/gpt-99, house/x], policy: { name: fixed, arm: nonsense } }
  fresh: { tags: [new], policy: { name: fixed, arm: openai/gpt-99 } }
`
    assert.deepEqual(
      problemsOf(text).map(({ path }) => path),
      [
        'providers.openai.baseUrl',
        'providers.house.baseUrl',
        'arms.openai/gpt-99.price.inputUsdPerMtok',
        'models.auto.policy.arm',
      ],
    )
  })

  it('an alias that leads into a circle is not part of it', () => {
    assert.deepEqual(
      problemsOf(`${GOOD}aliases: { a: b, b: c, c: b }\n`).map(({ path, message }) => `${path} ${message}`),
      ['aliases.b goes in a circle: b → c → b', 'aliases.c goes in a circle: c → b → c'],
    )
  })
})

describe('a secret is in no message', () => {
  const SECRET = 'tell-no-one-4711'
  const VARIABLE = `"\${SECRET}"`

  it('wherever a variable puts it', () => {
    const lines = EXAMPLE.split('\n')
    const env = {
      OPENAI_API_KEY: 'a',
      ANTHROPIC_API_KEY: 'b',
      OPENAI_EU_API_KEY: 'c',
      HOUSE_KEY: 'd',
      STOREFRONT_KEY: 'e',
      SECRET,
    }
    let refused = 0
    for (const [index, line] of lines.entries()) {
      const changed = line.replace(/^([^#]*?: |\s*- )(?!\s*$)[^#]+/, (_, before: string) => before + VARIABLE)
      if (changed === line) continue
      const error = errorOf(lines.toSpliced(index, 1, changed).join('\n'), env)
      if (error === undefined) continue
      refused++
      assert.ok(!error.message.includes(SECRET), error.message)
    }
    assert.ok(refused > 30, `only ${refused} of the changed lines were refused`)
  })

  it('where it is written in clear text, in the wrong shape or in bad YAML', () => {
    const texts = [
      `providers: { openai: { apiKey: [${SECRET}] } }`,
      `providers: { openai: { apiKey: { ${SECRET}: 1 } } }`,
      `providers: { openai: { headers: [${SECRET}] } }`,
      `providers: { openai: { headers: { "a b": ${SECRET} } } }`,
      `providers: { openai: { headers: { a: "${SECRET}\\n" } } }`,
      `providers: { openai: { baseUrl: "https://${SECRET}@h" } }`,
      `providers: { openai: { baseUrl: ${SECRET} } }`,
      `store: { url: "http://u:${SECRET}@h" }`,
      `store: { password: [${SECRET}] }`,
      `tenants: { t: { keys: [${SECRET}] } }`,
      `tenants: { t: { keys: ["sha256:${SECRET}"] } }`,
      `tenants: { t: { keys: ${SECRET} } }`,
      `providers: { openai: { apiKey: "${SECRET} } }`,
      `providers: { openai: { apiKey: '${SECRET}' x } }`,
      `store:\n  password: ${SECRET}: ${SECRET}\n`,
      `store:\n\tpassword: ${SECRET}\n`,
      `store:\n  password: @${SECRET}\n`,
      `store:\n  password: !${SECRET} x\n`,
      `a: 1\n]${SECRET}\n`,
    ]
    for (const text of texts) {
      for (const { message, path } of problemsOf(text)) assert.ok(!(message + path).includes(SECRET), message)
    }
  })
})

describe('the schema', () => {
  const settings = listSettings(configSchema)

  it('describes every key', () => {
    assert.deepEqual(
      settings.filter(({ description }) => !/^[A-Z`].*\.$/s.test(description)).map(({ path }) => path),
      [],
    )
  })

  it('states every default once: in the schema or in the description, not in both', () => {
    assert.deepEqual(
      settings
        .filter((s) => s.default !== undefined && /Default:/.test(s.description))
        .map(({ path }) => path),
      [],
    )
  })
})
