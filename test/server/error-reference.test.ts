/** docs/errors.md keeps up with the code tables. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERRORS_FILE, errorReference } from '../helpers/build-error-reference.ts'

test('docs/errors.md is what the tables say; to renew it: node test/helpers/build-error-reference.ts', () => {
  assert.equal(readFileSync(ERRORS_FILE, 'utf8'), errorReference())
})
