/** What serves while policies are promoted: units, learning, replicas, restarts and reloads. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { StoreError } from '../../adapters/index.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { policyFile } from '../helpers/policies.ts'
import {
  ONE,
  promotionWorld,
  type Reply,
  SECOND_HASH,
  SECOND_LABEL,
  TWO,
} from '../helpers/promotion-world.ts'
import { eventually } from '../helpers/server.ts'
import type { ScriptedUpstream } from '../helpers/upstream.ts'

const OTHER_CLASSES = ['chat', 'code']

describe('what serves', () => {
  let upstream: ScriptedUpstream
  let world: ReturnType<typeof promotionWorld>
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hello.'))
    world = promotionWorld(upstream.url)
  })
  after(() => upstream[Symbol.asyncDispose]())

  it('keeps a session, or what else is the unit, with one policy', async () => {
    const { start, call, upload, record, policyOf } = world
    const { server } = await start()
    await using _ = server
    await upload(server)
    await record(server, SECOND_HASH)
    await call(server, 'promote', { hash: SECOND_HASH, share: 0.5 })
    const seen = new Set<string | null>()
    for (let session = 0; session < 12; session++) {
      const headers = { 'x-highwayman-session': `session-${session}` }
      const policies = new Set([
        await policyOf(server, headers),
        await policyOf(server, headers),
        await policyOf(server, headers),
      ])
      assert.equal(policies.size, 1)
      for (const policy of policies) seen.add(policy)
    }
    assert.equal(seen.size, 2, 'both were seen')
  })

  it('both learn from all traffic, each in its own feature space, late and revised feedback included', async () => {
    const { start, call, upload, record } = world
    const { server, store } = await start()
    await using _ = server
    const other = policyFile({ policy: { name: 'fixed', arm: TWO }, classes: OTHER_CLASSES })
    const hash = await upload(server, other)
    await record(server, hash)
    await call(server, 'promote', { hash, share: 0.5 })
    const spaces = new Set([other.featureSpace.id, server.running.router.featureSpace.id])
    const ids: string[] = []
    for (let i = 0; i < 20; i++) {
      const response = await server.chat({}, { 'x-request-id': `request-${i}` })
      ids.push(response.headers.get('x-highwayman-decision-id') ?? '')
      await response.text()
    }
    await eventually(() => store.decisions.length === 20, 'the log')
    for (const { decision, also = [] } of store.decisions) {
      assert.equal(decision.featureSpace === other.featureSpace.id, decision.arm === TWO)
      assert.deepEqual(
        new Set([decision.featureSpace, ...also.map(({ featureSpace }) => featureSpace)]),
        spaces,
      )
    }
    const observed = (head: string) =>
      store.observations
        .filter((each) => each.head === head)
        .map(({ decisionId, featureSpace, y, weight }) => [decisionId, featureSpace, y, weight] as const)
    await eventually(() => observed('success').length === 40, 'both spaces')
    const feedback = async (id: string, value: number) => {
      const response = await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value })
      assert.equal(response.status, 202)
      assert.equal(((await response.json()) as Reply)['learned'], true)
    }
    const id = ids[0]!
    await feedback(id, 1)
    // As after a restart, or by way of another replica: only the store knows the decision.
    await server.post('/admin/v1/erase', { tenant: 'default' })
    await feedback(id, 0.25)
    for (const space of spaces) {
      const taught = observed('quality').filter(([, featureSpace]) => featureSpace === space)
      assert.deepEqual(
        taught.map(([, , y, weight]) => [y, weight]),
        [
          [1, 1],
          [1, -1],
          [0.25, 1],
        ],
      )
    }
    // The configuration's router has seen the canary's traffic too.
    const quality = server.running.router.sums().filter(({ head }) => head === 'success')
    assert.ok(quality.some(({ arm }) => arm === TWO))
  })

  it('of two that are promoted at once the second is judged against the first', async () => {
    const { start, call, refusal, upload, record } = world
    const store = new MemoryStore()
    const read = store.readRollouts.bind(store)
    // As long as a store that is asked over a network: the second asks before the first has written.
    store.readRollouts = async (query) => {
      const rows = await read(query)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return rows
    }
    const { server } = await start(store)
    await using _ = server
    const other = policyFile({ policy: { name: 'fixed', arm: ONE }, source: 'other' })
    const hashes = [await upload(server), await upload(server, other)]
    for (const hash of hashes) await record(server, hash)
    const answers = await Promise.all(
      hashes.map((hash) => server.post('/admin/v1/promote', { hash, share: 1 })),
    )
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409])
    const [lost] = hashes.filter((_hash, i) => answers[i]?.status === 409)
    assert.deepEqual(await refusal(server, 'promote', { hash: lost, share: 1 }), [
      409,
      'promotion_refused',
      ['other_incumbent'],
    ])
    const rolledBack = await Promise.all([1, 2].map(() => server.post('/admin/v1/rollback', {})))
    assert.deepEqual(rolledBack.map(({ status }) => status).toSorted(), [200, 409])
    await call(server, 'promote', { hash: hashes[0], share: 1, force: true, reason: 'the way is free' })
  })

  it('a step that was stored although its answer got lost is in force, also where nobody else writes', async () => {
    const { start, refusal, upload, record, policyOf } = world
    const { server, store } = await start()
    await using _ = server
    await upload(server)
    await record(server, SECOND_HASH)
    const append = store.appendRollout.bind(store)
    store.appendRollout = async (row) => {
      await append(row)
      throw new StoreError('store_unavailable', 'the answer did not come')
    }
    const order = { hash: SECOND_HASH, share: 1 }
    assert.deepEqual(await refusal(server, 'promote', order), [503, 'store_unavailable', undefined])
    await eventually(() => server.running.promoted().models.length === 1, 'the policy')
    assert.equal(await policyOf(server), SECOND_LABEL)
  })

  it('a policy that cannot be read keeps none of the other models from their steps', async () => {
    const { start, call, upload, policyOf } = world
    const { server, store } = await start()
    await using _ = server
    const force = { share: 1, force: true, reason: 'a test' }
    await upload(server)
    await call(server, 'promote', { hash: SECOND_HASH, ...force })
    const other = await upload(server, policyFile({ policy: { name: 'fixed', arm: ONE } }))
    const read = store.readPolicy.bind(store)
    let readings = 0
    store.readPolicy = async (hash) => {
      // The first is the promotion's own.
      if (hash === other && ++readings > 1) throw new StoreError('store_unavailable', 'this one is not read')
      return await read(hash)
    }
    await call(server, 'promote', { hash: other, model: 'narrow', ...force })
    assert.match(server.running.promoted().unread ?? '', /this one is not read/)
    assert.equal(await policyOf(server), SECOND_LABEL)
    await call(server, 'rollback', {})
    assert.notEqual(await policyOf(server), SECOND_LABEL)
    store.readPolicy = read
    await call(server, 'promote', { hash: SECOND_HASH, ...force })
    assert.deepEqual(
      server.running
        .promoted()
        .models.map(({ model }) => model)
        .toSorted(),
      ['auto', 'narrow'],
    )
    assert.equal(server.running.promoted().unread, undefined)
  })

  it('a policy that could not be read after a reload serves as soon as it can be', async () => {
    const { start, call, upload, record, policyOf, registry, get } = world
    for (const kind of ['embedded', 'remote'] as const) {
      const store = new MemoryStore()
      store.kind = kind
      const { server } = await start(store, 20)
      await using _ = server
      await upload(server)
      await record(server, SECOND_HASH)
      await call(server, 'promote', { hash: SECOND_HASH, share: 1 })
      const whole = registry(20)
      const without = new Map([...whole.models].filter(([name]) => name !== 'auto'))
      server.running.reload({ ...whole, models: without })
      await eventually(() => server.running.promoted().models.length === 0, 'the model to be gone')
      store.available = false
      server.running.reload(whole)
      await eventually(() => server.running.promoted().unread !== undefined, 'the failure')
      assert.match(JSON.stringify((await get(server, '/readyz'))['policies']), /"unread":"\w+/)
      store.available = true
      await eventually(() => server.running.promoted().models.length === 1, 'the policy')
      assert.equal(await policyOf(server), SECOND_LABEL)
    }
  })

  it('a replica on the same store follows by itself, and goes back with the others', async () => {
    const { start, call, upload, record, get, policyOf } = world
    const store = new MemoryStore()
    store.kind = 'remote'
    const { server: one } = await start(store)
    const { server: two } = await start(store, 20)
    try {
      await upload(one)
      await record(one, SECOND_HASH)
      await call(one, 'promote', { hash: SECOND_HASH, share: 1 })
      const follows = async (wanted: boolean): Promise<void> => {
        const serves = async () =>
          JSON.stringify((await get(two, '/readyz'))['policies']).includes(SECOND_HASH)
        await eventually(async () => (await serves()) === wanted, 'the second replica')
      }
      await follows(true)
      assert.equal(await policyOf(two), SECOND_LABEL)
      await call(one, 'rollback', {})
      await follows(false)
      assert.equal(await policyOf(two), 'priority')
    } finally {
      await one.running.close()
      await two.running.close()
    }
  })

  it('falls back to what was before where a policy cannot be read, says so, and recovers', async () => {
    const { start, call, upload, record, get, policyOf } = world
    const { server, store } = await start()
    await upload(server)
    await record(server, SECOND_HASH)
    await call(server, 'promote', { hash: SECOND_HASH, share: 1 })
    await server.running.close()
    const [row] = store.policies
    assert.ok(row)
    store.policies[0] = { ...row, text: row.text.replace('"version": 1', '"version": 99') }
    const { server: older } = await start(store)
    assert.equal(await policyOf(older), 'priority')
    const { policies } = (await get(older, '/readyz')) as { policies: { problems: Reply[] } }
    assert.deepEqual(
      policies.problems.map(({ model, hash }) => [model, hash]),
      [['auto', SECOND_HASH]],
    )
    assert.match(
      String(policies.problems[0]?.['message']),
      /this release cannot read it: .*version must be 1/,
    )
    assert.match(older.logged(), /a policy on record cannot be served by/)
    assert.equal((await older.get('/readyz')).status, 200)
    store.policies[0] = row
    await older.running.close()

    const away = new MemoryStore()
    away.policies.push(...store.policies)
    away.rollouts.push(...store.rollouts)
    away.readRollouts = async () => {
      throw new Error('no answer')
    }
    const { server: blind } = await start(away, 20)
    await using _ = blind
    assert.equal(await policyOf(blind), 'priority')
    assert.match(blind.logged(), /which policies are promoted cannot be read/)
    const unread = (await get(blind, '/readyz'))['policies'] as Reply
    assert.equal(unread['unread'], 'no answer')
    away.readRollouts = MemoryStore.prototype.readRollouts
    await eventually(() => /can be read again/.test(blind.logged()), 'the store to answer')
    assert.equal(await policyOf(blind), SECOND_LABEL)
  })

  it('goes on over a reload of the configuration, with the models and arms of the new one', async () => {
    const { registry, start, call, upload, record, policyOf } = world
    const { server } = await start()
    await using _ = server
    await upload(server)
    await record(server, SECOND_HASH)
    await call(server, 'promote', { hash: SECOND_HASH, share: 1 })
    const next = registry()
    server.running.reload(next)
    assert.equal(await policyOf(server), SECOND_LABEL)
    const auto = next.models.get('auto')
    assert.ok(auto)
    server.running.reload({ ...next, models: new Map([['auto', { ...auto, arms: [ONE] }]]) })
    await eventually(() => /cannot be served by/.test(server.logged()), 'the arm to be missed')
    assert.equal(await policyOf(server), 'priority')
  })
})
