import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { TalliedCounter } from '../../server/observability/tallied-counter.ts'

describe('a tallied counter', () => {
  it('tells at each reading all that was added so far, by series', async () => {
    const registry = new Registry()
    const counter = new TalliedCounter({
      name: 'cups_total',
      help: 'Cups.',
      labelNames: ['kind'],
      registers: [registry],
    })
    const tea = counter.series({ kind: 'tea' })
    const coffee = counter.series({ kind: 'coffee' })
    const told = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('cups'))
    tea.add(2)
    tea.add(0.5)
    coffee.add(1)
    assert.deepEqual(await told(), ['cups_total{kind="tea"} 2.5', 'cups_total{kind="coffee"} 1'])
    coffee.add(1)
    assert.deepEqual(await told(), ['cups_total{kind="tea"} 2.5', 'cups_total{kind="coffee"} 2'])
    assert.deepEqual(await told(), ['cups_total{kind="tea"} 2.5', 'cups_total{kind="coffee"} 2'])
  })
})
