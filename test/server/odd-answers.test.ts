/** Answers of upstreams that have lost their minds: counts that can be none, JSON that goes down without end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Behaviour, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, startTestServer, type TestServer } from '../helpers/server.ts'

async function withAnswer(body: string, check: (server: TestServer) => Promise<void>): Promise<void> {
  const answer: Behaviour = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }
  await using upstream = await startOpenAiUpstream(answer)
  await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
  await check(server)
}

const answerWith = (fields: object, message: object = {}): string =>
  JSON.stringify({
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'one two three', ...message },
      },
    ],
    ...fields,
  })

describe('odd answers', () => {
  for (const count of [-5, 1e300, 2 ** 40, 1.5, '7'] as const) {
    it(`${JSON.stringify(count)} tokens are not told, but counted here`, () =>
      withAnswer(
        answerWith({ usage: { prompt_tokens: count, completion_tokens: count, total_tokens: count } }),
        async (server) => {
          const response = await server.chat()
          const { usage } = (await response.json()) as { usage: Record<string, number> }
          assert.ok(
            usage['completion_tokens']! >= 3 && usage['completion_tokens']! < 10,
            JSON.stringify(usage),
          )
          assert.ok(usage['prompt_tokens']! > 0 && usage['prompt_tokens']! < 50, JSON.stringify(usage))
          assert.equal(
            (usage['cost_details'] as unknown as { usage_estimated: boolean }).usage_estimated,
            true,
          )
          await eventually(() => server.store.attempts.length === 1, 'the call to be recorded')
          const [attempt] = server.store.attempts
          assert.equal(attempt?.completionTokens, usage['completion_tokens'])
          assert.equal(attempt?.usageEstimated, true)
          assert.doesNotMatch(server.logged(), /"level":50/)
        },
      ))
  }

  it('a cost below nothing is no cost: the price tells', () =>
    withAnswer(
      answerWith({ usage: { prompt_tokens: 1_000, completion_tokens: 100, cost: -3 } }),
      async (server) => {
        const { usage } = (await (await server.chat()).json()) as { usage: { cost: number } }
        // 1000 and 10000 USD per million tokens.
        assert.equal(usage.cost, 2)
        assert.doesNotMatch(server.logged(), /"level":50/)
      },
    ))

  it('an answer that is nested without end is none, and the call is over', () => {
    const body = answerWith({}, { extra: '@' }).replace('"@"', `${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    return withAnswer(body, async (server) => {
      const response = await server.chat()
      const text = await response.text()
      assert.equal(response.status, 502, text)
      assert.match(text, /upstream_bad_output/)
      await eventually(() => server.store.attempts.length === 1, 'the call to be recorded')
      assert.equal(server.store.attempts[0]?.status, 'failed')
    })
  })
})
