/** Policy files on disk. */
import { readFile } from 'node:fs/promises'
import { type PolicyFile, readPolicyFile } from '../engine/index.ts'
import { messageOf } from './run.ts'

/** @throws {EngineError} `engine_bad_policy_file`; `config_unreadable` for what is not JSON; and what reading throws */
export async function loadPolicyFile(path: string): Promise<PolicyFile> {
  return readPolicyFile(parseJson(path, await readFile(path, 'utf8')))
}

export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw Object.assign(new Error(`${path} is not JSON: ${messageOf(cause)}`, { cause }), {
      code: 'config_unreadable',
    })
  }
}
