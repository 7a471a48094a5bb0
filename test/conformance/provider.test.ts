/**
 * One suite for every provider: each recorded case is replayed from a real server and must come out as its facts say, or as
 * the failure that it is. It loops over the index of the recordings, so that none is missed.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ChatRequest, type Dialect, UpstreamError } from '../../adapters/index.ts'
import { createProvider } from '../../adapters/serving.ts'
import {
  type Collected,
  type CollectedCall,
  callOf,
  choicesOf,
  collectAnswer,
  collectStream,
  USER,
} from '../helpers/collect.ts'
import {
  type FixtureCase,
  readFixtures,
  readRequestBody,
  replay,
  type ToolCallFact,
} from '../helpers/fixtures.ts'
import { needsShared } from '../helpers/shared.ts'
import { startUpstream } from '../helpers/upstream.ts'
import {
  ASKED_OTHERWISE,
  DIALECT_OF,
  expectedUsage,
  FAILURES,
  type Failure,
  FINISH,
  OPENAI_SHAPED,
  OVERRIDES,
  SKIPPED_ENDPOINTS,
  SKIPPED_FOLDERS,
} from './provider-cases.ts'

const needed = needsShared('fixtures', 'index.json')
const cases = needed.skip === false ? readFixtures() : []
const SECRET = 'sk-replay-0123456789'

/** Of the one that is to run into it: no other case may, however slow the machine is that runs both sides. */
const IDLE_MS_OF_STALLING = 150

describe('providers, on recorded traffic', needed, () => {
  for (const fixture of cases) {
    const why = skipReason(fixture)
    if (why !== undefined) it(fixture.dir, { skip: why })
    else it(fixture.dir, () => check(fixture))
  }

  it('has a verdict for every failing status, and none for cases that do not exist', () => {
    const dirs = new Set(cases.map(({ dir }) => dir))
    const run = cases.filter((fixture) => skipReason(fixture) === undefined)
    const unjudged = run.filter(({ dir, meta }) => meta.status >= 300 && FAILURES[dir] === undefined)
    assert.deepEqual(unjudged, [])
    assert.deepEqual(
      [...Object.keys(FAILURES), ...Object.keys(OVERRIDES), ...OPENAI_SHAPED, ...ASKED_OTHERWISE].filter(
        (dir) => !dirs.has(dir),
      ),
      [],
    )
  })
})

function skipReason({ folder, meta }: FixtureCase): string | undefined {
  return SKIPPED_FOLDERS[folder] ?? SKIPPED_ENDPOINTS.find(([pattern]) => pattern.test(meta.endpoint))?.[1]
}

async function check(fixture: FixtureCase): Promise<void> {
  const dialect = OPENAI_SHAPED.has(fixture.dir) ? 'openai-compatible' : DIALECT_OF[fixture.folder]
  assert.ok(dialect, `no dialect for the folder ${fixture.folder}`)
  await using upstream = await startUpstream((response) => replay(fixture, response))
  const provider = createProvider({
    name: fixture.folder,
    dialect,
    baseUrl: upstream.url,
    apiKey: SECRET,
    ...(fixture.meta.transport?.end === 'stall' && { deadlines: { idleMs: IDLE_MS_OF_STALLING } }),
  })
  const call = callOf(
    requestFor(fixture, dialect),
    fixture.folder === 'anthropic' ? 'claude-sonnet-4-5' : 'm',
  )
  const read = () =>
    fixture.streams !== ASKED_OTHERWISE.has(fixture.dir)
      ? collectStream(provider.chatStream(call))
      : collectAnswer(provider, call)
  const failure = failureOf(fixture)
  if (failure === undefined) compare(fixture, dialect, await read())
  else await assert.rejects(read(), (error) => checkFailure(error, failure))
  assert.equal(upstream.requests.length, 1, 'no redirect is followed, nothing is sent twice')
  await provider.close()
}

function failureOf({ dir, meta }: FixtureCase): Failure | undefined {
  if (FAILURES[dir] !== undefined) return FAILURES[dir]
  if (meta.expect?.error === 'parse' || meta.expect?.error === 'empty') {
    return { code: 'upstream_bad_output', retry: 'same' }
  }
  return meta.expect?.error === 'upstream' ? { code: 'upstream_error', retry: 'same' } : undefined
}

function checkFailure(error: unknown, expected: Failure): true {
  assert.ok(error instanceof UpstreamError, String(error))
  assert.deepEqual(
    { code: error.code, retry: error.retry },
    { code: expected.code, retry: expected.retry },
    error.message,
  )
  if (expected.retryAfterMs !== undefined) assert.equal(error.retryAfterMs, expected.retryAfterMs)
  assert.ok(!`${error.message}${error.raw ?? ''}`.includes(SECRET), 'no credential in an error')
  assert.ok(error.httpStatus !== 401 && error.httpStatus !== 403, "the caller's key was fine")
  return true
}

function compare({ dir, meta }: FixtureCase, dialect: Dialect, got: Collected): void {
  const override = OVERRIDES[dir]
  const { facts, expect } = meta
  if (expect !== undefined) {
    assert.equal(got.choices[0]?.text, expect.text ?? got.choices[0]?.text)
    assert.equal(got.choices[0]?.text.length, expect.text_length ?? got.choices[0]?.text.length)
    assert.equal(got.choices[0]?.finish, expect.finish_reason)
  }
  if (facts === undefined) {
    assert.ok(expect !== undefined || dir in WITHOUT_FACTS, `${dir} has neither facts nor an expectation`)
    WITHOUT_FACTS[dir]?.(got)
    return
  }
  const expected = facts.choices.map((choice) => {
    const native = FINISH[choice.finish_reason ?? ''] ?? choice.finish_reason
    const finish = native === 'stop' && choice.tool_calls.length > 0 ? 'tool_calls' : native
    return {
      text: choice.text ?? '',
      reasoning: choice.reasoning ?? '',
      refusal: override?.refusal ?? choice.refusal ?? '',
      calls: choice.tool_calls.map(comparableFact),
      finish: override?.finish ?? finish,
    }
  })
  assert.deepEqual(
    got.choices.map((choice, index) => ({
      ...choice,
      calls: choice.calls.map((call, position) =>
        comparable(call, facts.choices[index]?.tool_calls[position]),
      ),
    })),
    expected,
  )
  const raw = facts.choices[0]?.finish_reason ?? undefined
  assert.equal(got.finish.raw, override !== undefined && 'rawFinish' in override ? override.rawFinish : raw)
  if (got.finish.unified !== 'other') assert.equal(got.finish.unified, expected[0]?.finish)
  for (const [key, value] of Object.entries(expectedUsage(dialect, facts.usage))) {
    assert.equal(got.usage[key as keyof Collected['usage']], value, `usage.${key}`)
  }
}

/** Cases whose facts could not be read by the tool that read the others: what must come out of them. */
const WITHOUT_FACTS: Readonly<Record<string, (got: Collected) => void>> = {
  'gemini/stream-tool-call-partial-args': (got) => {
    const calls = got.choices[0]?.calls.map(({ name, arguments: args }) => ({ name, args: JSON.parse(args) }))
    assert.deepEqual(calls, [
      { name: 'getWeather', args: { location: 'Boston' } },
      { name: 'getWeather', args: { location: 'San Francisco' } },
    ])
    assert.equal(got.choices[0]?.finish, 'tool_calls')
  },
  'http-edge/200-json-for-stream-request': (got) => {
    assert.deepEqual(got.choices, [{ text: 'Hi', reasoning: '', refusal: '', calls: [], finish: 'stop' }])
    assert.equal(got.usage.completionTokens, 1)
    assert.deepEqual(choicesOf(got.chunks), got.choices)
  },
  'http-edge/200-sse-for-json-request': (got) => {
    assert.deepEqual(got.choices, [{ text: 'Hi', reasoning: '', refusal: '', calls: [], finish: 'stop' }])
  },
}

/** No arguments are the empty object, never an empty string. */
function comparableFact(fact: ToolCallFact): { id: string | null; name: string | null; arguments: unknown } {
  return { id: fact.id || null, name: fact.name ?? null, arguments: fact.arguments || {} }
}

/** Ids that the upstream did not send are made up: there must be one, whichever. */
function comparable(call: CollectedCall, fact: ToolCallFact | undefined) {
  assert.notEqual(call.id, '')
  return { id: fact?.id ? call.id : null, name: call.name, arguments: parsed(call.arguments) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A request that the recorded answer could be to: the number of choices and the functions count. */
function requestFor(fixture: FixtureCase, dialect: Dialect): ChatRequest {
  const { n, tools } = readRequestBody(fixture)
  const names = dialect === 'google' ? geminiFunctions(tools) : []
  return {
    ...USER,
    max_tokens: 100,
    ...(typeof n === 'number' && { n }),
    ...(names.length > 0 && { tools: names.map((name) => ({ type: 'function', function: { name } })) }),
  }
}

function geminiFunctions(tools: unknown): readonly string[] {
  const list = Array.isArray(tools) ? tools : []
  return list.flatMap((tool: { functionDeclarations?: readonly { name: string }[] }) =>
    (tool.functionDeclarations ?? []).map(({ name }) => name),
  )
}
