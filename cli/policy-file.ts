/** Policy files on disk, and how any file that somebody names is read. */
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { PolicyFile } from '../engine/index.ts'
import { messageOf } from './run.ts'

/** @throws {EngineError} `engine_bad_policy_file`; `config_unreadable` for what is not there or no JSON */
export async function loadPolicyFile(path: string): Promise<PolicyFile> {
  const json = parseJson(path, await readText(path))
  const { readPolicyFile } = await import('../engine/index.ts')
  return readPolicyFile(json)
}

/** @throws `config_unreadable` naming the file and what is wrong with it */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(`${path} cannot be read: ${reasonOf(cause)}`, cause)
  }
}

/** Before work whose result is to be written there. @throws `config_unreadable` */
export async function checkFolderOf(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  try {
    await access(folder, constants.W_OK)
  } catch (cause) {
    throw unreadable(`${path} cannot be written: ${reasonOf(cause, 'its folder does not exist')}`, cause)
  }
}

export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(`${path} is not JSON: ${messageOf(cause)}`, cause)
  }
}

function reasonOf(cause: unknown, missing = 'there is no such file'): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return missing
  return code === 'EISDIR' ? 'it is a folder' : messageOf(cause)
}

function unreadable(message: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: 'config_unreadable' })
}
