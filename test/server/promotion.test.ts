/** A policy on its way to all traffic and back, on a running server with a store in memory. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { policyFileHash } from '../../engine/index.ts'
import { evaluationJson } from '../helpers/evaluation.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { policyFile } from '../helpers/policies.ts'
import {
  ONE,
  promotionWorld,
  type Reply,
  SECOND,
  SECOND_HASH,
  SECOND_LABEL,
  TWO,
} from '../helpers/promotion-world.ts'
import { eventually, type TestServer } from '../helpers/server.ts'
import type { ScriptedUpstream } from '../helpers/upstream.ts'

describe('promotion', () => {
  let upstream: ScriptedUpstream
  let world: ReturnType<typeof promotionWorld>
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hello.'))
    world = promotionWorld(upstream.url)
  })
  after(() => upstream[Symbol.asyncDispose]())

  it('refuses without an evaluation and with a bound below zero; each try is on record', async () => {
    const { start, call, refusal, upload, record, get, policyOf, worse } = world
    const { server, store } = await start()
    await using _ = server
    const hash = await upload(server)
    assert.equal(hash, SECOND_HASH)
    assert.equal((await call(server, 'policies', { policy: SECOND }))['is_new'], false)
    assert.deepEqual(await refusal(server, 'promote', { hash, actor: 'ann' }), [
      409,
      'promotion_refused',
      ['no_evaluation'],
    ])
    await record(server, hash, worse())
    assert.deepEqual(await refusal(server, 'promote', { hash, share: 1 }), [
      409,
      'promotion_refused',
      ['not_better'],
    ])
    // The latest counts, not the best.
    await record(server, hash)
    await record(server, hash, { refused: true, reasons: [{ code: 'ess', message: 'too few' }] })
    assert.deepEqual(await refusal(server, 'promote', { hash }), [
      409,
      'promotion_refused',
      ['evaluation_refused'],
    ])
    assert.equal(await policyOf(server), 'priority')
    assert.deepEqual(
      store.rollouts.map(({ action, outcome, share, actor, refusals }) => [
        action,
        outcome,
        share,
        actor,
        refusals.map(({ code }) => code),
      ]),
      [
        ['canary', 'refused', 0.05, 'ann', ['no_evaluation']],
        ['full', 'refused', 1, 'api', ['not_better']],
        ['canary', 'refused', 0.05, 'api', ['evaluation_refused']],
      ],
    )
    assert.deepEqual((await get(server, '/admin/v1/rollouts'))['serving'], [])
  })

  it('canary, more, full, restart, back: requests, log, metrics and models follow', async () => {
    const { start, call, refusal, upload, record, get, policyOf } = world
    const { server, store } = await start()
    const hash = await upload(server)
    await record(server, hash)
    await call(server, 'promote', { hash, share: 0.3, reason: 'first' })
    const requests = 400
    const served = async (): Promise<Set<number>> => {
      const canaries = new Set<number>()
      for (let i = 0; i < requests; i++) {
        const policy = await policyOf(server, { 'x-request-id': `request-${i}` })
        if (policy === SECOND_LABEL) canaries.add(i)
        else assert.equal(policy, 'priority')
      }
      return canaries
    }
    const first = await served()
    // 400 draws at 0.3: five standard deviations are 46.
    assert.ok(Math.abs(first.size - 0.3 * requests) < 46, `${first.size}`)
    await eventually(() => store.decisions.length === requests, 'the log')
    for (const { decision } of store.decisions) {
      const isCanary = decision.arm === TWO
      assert.deepEqual(decision.assignment, {
        policyHash: isCanary ? hash : '',
        as: isCanary ? 'canary' : 'live',
        probability: isCanary ? 0.3 : 0.7,
      })
      // Of the policy that drew, whatever the share.
      assert.equal(decision.propensity, 1)
    }
    const [canary] = store.decisions.filter(({ decision }) => decision.arm === TWO)
    const shown = await get(server, `/v1/decisions/${canary?.decision.id}`)
    assert.deepEqual(shown['assignment'], { policy_hash: hash, as: 'canary', probability: 0.3 })
    const metrics = await (await server.get('/metrics')).text()
    assert.match(
      metrics,
      new RegExp(`highwayman_decisions_total\\{[^}]*policy="${SECOND_LABEL}"\\} ${first.size}\n`),
    )
    for (const [policy, as, share] of [
      ['', 'live', 0.7],
      [hash.slice(0, 12), 'canary', 0.3],
    ]) {
      const line = `highwayman_policy_share{model="auto",policy="${policy}",as="${as}"} ${share}\n`
      assert.ok(metrics.includes(line), line)
    }
    assert.match(metrics, /^highwayman_policy_problems 0$/m)
    assert.deepEqual((await get(server, '/readyz'))['policies'], {
      serving: [{ model: 'auto', live: null, canary: { hash, share: 0.3 } }],
      problems: [],
      unread: null,
    })

    await call(server, 'promote', { hash, share: 0.6 })
    const second = await served()
    assert.ok(
      [...first].every((request) => second.has(request)),
      'nobody moves back',
    )
    assert.ok(Math.abs(second.size - 0.6 * requests) < 49, `${second.size}`)

    await call(server, 'promote', { hash, share: 1 })
    assert.equal((await served()).size, requests)
    const auto = async (at: TestServer) => await get(at, '/v1/models/auto')
    assert.equal((await auto(server))['policy_hash'], hash)
    assert.equal(await policyOf(server, {}, 'narrow'), 'fixed', 'other models are left alone')
    assert.equal(await policyOf(server, {}, ONE), 'fixed', 'and so are pinned arms')
    await server.running.close()

    const again = (await start(store)).server
    await using _ = again
    const before = store.decisions.length
    assert.equal(await policyOf(again), SECOND_LABEL)
    await eventually(() => store.decisions.length > before, 'the log')
    assert.deepEqual(store.decisions.at(-1)?.decision.assignment, {
      policyHash: hash,
      as: 'live',
      probability: 1,
    })
    const back = await call(again, 'rollback', { reason: 'second thoughts', actor: 'ann' })
    assert.equal(back['hash'], null)
    assert.equal(await policyOf(again), 'priority')
    assert.equal((await auto(again))['policy_hash'], undefined)
    assert.deepEqual(await refusal(again, 'rollback', {}), [409, 'nothing_to_roll_back', undefined])
    assert.deepEqual(await refusal(again, 'rollback', { model: 'atuo' }), [404, 'model_not_found', undefined])
    const steps = (await get(again, '/admin/v1/rollouts?model=auto'))['data'] as Reply[]
    assert.deepEqual(
      steps.map((step) => [step['action'], step['outcome'], step['share'], step['hash'], step['reason']]),
      [
        ['canary', 'done', 0.3, hash, 'first'],
        ['canary', 'done', 0.6, hash, ''],
        ['full', 'done', 1, hash, ''],
        ['rollback', 'done', 1, null, 'second thoughts'],
      ],
    )
  })

  it('a rollback ends a canary first, and then leads from one policy to the one before it', async () => {
    const { start, call, refusal, upload, record, policyOf } = world
    const { server } = await start()
    await using _ = server
    const third = policyFile({ policy: { name: 'cheapest' } })
    const thirdHash = policyFileHash(third)
    await upload(server)
    await record(server, SECOND_HASH)
    await call(server, 'promote', { hash: SECOND_HASH, share: 1 })
    await upload(server, third)
    // The log began before the second policy took over.
    await record(server, thirdHash, { logged: { n: 9_000, from: '2026-01-01', to: '2026-01-02' } })
    assert.deepEqual((await refusal(server, 'promote', { hash: thirdHash }))[2], ['other_incumbent'])
    await record(server, thirdHash)
    await call(server, 'promote', { hash: thirdHash, share: 0.5 })
    assert.equal((await call(server, 'rollback', {}))['hash'], SECOND_HASH)
    assert.equal(await policyOf(server), SECOND_LABEL)
    await call(server, 'promote', { hash: thirdHash, share: 1 })
    assert.match((await policyOf(server)) ?? '', /^cheapest@/)
    assert.equal((await call(server, 'rollback', {}))['hash'], SECOND_HASH)
    assert.equal(await policyOf(server), SECOND_LABEL)
    assert.equal((await call(server, 'rollback', {}))['hash'], null)
    assert.equal(await policyOf(server), 'priority')
  })

  it('can be forced with a reason, and that is kept; less than before needs no evidence', async () => {
    const { start, call, refusal, upload, record } = world
    const { server, store } = await start()
    await using _ = server
    const hash = await upload(server)
    assert.deepEqual((await refusal(server, 'promote', { hash, force: true })).slice(0, 2), [
      422,
      'invalid_promotion',
    ])
    await call(server, 'promote', {
      hash,
      share: 0.5,
      force: true,
      reason: 'the vendor goes away',
      actor: 'ann',
    })
    const [step] = store.rollouts
    assert.ok(step?.forced)
    assert.deepEqual(
      [step.reason, step.actor, step.refusals.map(({ code }) => code)],
      ['the vendor goes away', 'ann', ['no_evaluation']],
    )
    assert.equal((await call(server, 'promote', { hash, share: 0.1 }))['forced'], false)
    assert.deepEqual((await refusal(server, 'promote', { hash, share: 0.2 }))[2], ['no_evaluation'])
    assert.deepEqual((await refusal(server, 'promote', { hash, share: 0.1 })).slice(0, 2), [
      409,
      'promotion_pointless',
    ])
    await record(server, hash)
    const allowed = await call(server, 'promote', { hash, share: 0.9, force: true, reason: 'to be sure' })
    assert.equal(allowed['forced'], false, 'the gate would have let it through')
  })

  it('takes a step after the one before it, also when that one’s clock was ahead', async () => {
    const { start, call, upload, record, policyOf, get } = world
    const { server, store } = await start()
    await using _ = server
    await upload(server)
    await record(server, SECOND_HASH)
    await call(server, 'promote', { hash: SECOND_HASH, share: 1 })
    const [step] = store.rollouts
    assert.ok(step)
    const aheadMs = step.atMs + 3_600_000
    store.rollouts[0] = { ...step, atMs: aheadMs }
    await call(server, 'rollback', {})
    assert.equal(store.rollouts[1]?.atMs, aheadMs + 1)
    assert.equal(await policyOf(server), 'priority')
    assert.equal(((await get(server, '/admin/v1/rollouts'))['serving'] as Reply[])[0]?.['live'], null)
  })

  it('refuses what makes no sense, with the place', async () => {
    const { start, refusal, upload } = world
    const { server } = await start()
    await using _ = server
    const hash = await upload(server)
    const code = async (path: string, body: object) => (await refusal(server, path, body)).slice(0, 2)
    const nobody = 'f'.repeat(64)
    assert.deepEqual(await code('promote', { hash: nobody }), [404, 'policy_not_found'])
    assert.deepEqual(await code('promote', { hash, model: 'autp' }), [404, 'model_not_found'])
    assert.deepEqual(await code('promote', { hash, model: 'narrow' }), [422, 'policy_not_servable'])
    assert.deepEqual(await code('promote', { hash: 'abc' }), [400, 'invalid_request'])
    assert.deepEqual(await code('promote', { hash, share: 0 }), [400, 'invalid_request'])
    assert.deepEqual(await code('promote', { hash, share: 1.1 }), [400, 'invalid_request'])
    assert.deepEqual(await code('policies', { policy: { format: 'x' } }), [422, 'invalid_policy'])
    assert.deepEqual(await code(`policies/${nobody}/evaluations`, { evaluation: evaluationJson() }), [
      404,
      'policy_not_found',
    ])
    assert.deepEqual(await code(`policies/${hash}/evaluations`, { evaluation: {} }), [
      422,
      'invalid_evaluation',
    ])
    assert.deepEqual(
      await code(`policies/${hash}/evaluations`, { evaluation: evaluationJson({ targetHash: nobody }) }),
      [422, 'invalid_evaluation'],
    )
    const embedded = policyFile({
      text: { kind: 'embedding', components: 4, model: 'text-embedding-x', dimensions: 8, seed: 1 },
    })
    await upload(server, embedded)
    assert.deepEqual(await code('promote', { hash: policyFileHash(embedded) }), [422, 'policy_not_servable'])
    assert.equal((await server.get(`/admin/v1/policies/${nobody}`)).status, 404)
  })

  it('lists policies with what is known of each, and gives the file back', async () => {
    const { start, call, upload, record, get } = world
    const { server } = await start()
    await using _ = server
    const hash = await upload(server)
    await record(server, hash)
    await call(server, 'promote', { hash, share: 0.25 })
    const { data } = (await get(server, '/admin/v1/policies')) as { data: Reply[] }
    assert.equal(data.length, 1)
    const [listed] = data
    assert.deepEqual([listed?.['hash'], listed?.['evaluations']], [hash, 1])
    assert.deepEqual(listed?.['serving'], [{ model: 'auto', as: 'canary', share: 0.25 }])
    const shown = await get(server, `/admin/v1/policies/${hash}`)
    assert.deepEqual(shown['file'], JSON.parse(JSON.stringify(SECOND)))
    assert.equal((shown['evaluations_on_record'] as Reply[]).length, 1)
  })
})
