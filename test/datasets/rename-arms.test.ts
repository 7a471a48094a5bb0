/** A set with its arms called as a gateway calls them: everything of an arm goes by its new name, and slips are told. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset, type PromptRow, renameArms } from '../../datasets/index.ts'

const MINI = 'sim-openai/turnpike-mini'

async function rowsOf(names: Readonly<Record<string, string>>): Promise<PromptRow[]> {
  const rows: PromptRow[] = []
  for await (const row of renameArms(await openDataset('crossroads'), names).rows()) rows.push(row)
  return rows
}

suite('arms that are called otherwise', () => {
  test('have their outcomes and their prices under the new name, in the same order', async () => {
    const dataset = await openDataset('crossroads')
    const renamed = renameArms(dataset, { [MINI]: 'openai/gpt-mini' })
    assert.deepEqual(renamed.models.get('openai/gpt-mini'), dataset.models.get(MINI))
    assert.equal(renamed.models.has(MINI), false)
    const [before, after] = [await rowsOf({}), await rowsOf({ [MINI]: 'openai/gpt-mini' })]
    assert.equal(after.length, before.length)
    for (const [i, { outcomes }] of after.entries()) {
      const own = before[i]!.outcomes
      assert.deepEqual(
        [...outcomes.keys()],
        [...own.keys()].map((arm) => (arm === MINI ? 'openai/gpt-mini' : arm)),
      )
      assert.deepEqual(outcomes.get('openai/gpt-mini'), own.get(MINI))
    }
  })

  test('two with one name, and one that there is not, are refused', async () => {
    const code = 'dataset_bad_option'
    await assert.rejects(rowsOf({ [MINI]: 'sim-google/lantern-pro' }), {
      code,
      message: /two arms of crossroads would be called sim-google\/lantern-pro/,
    })
    await assert.rejects(rowsOf({ 'gpt-mini': 'openai/gpt-mini' }), {
      code,
      message: /no arm gpt-mini to call otherwise; it has sim-openai\/turnpike-large, /,
    })
  })
})
