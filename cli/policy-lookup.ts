/** What the commands are given to name a policy or an evaluation: files, hashes, the beginnings of hashes. */
import type { PolicyDesk } from '../server/index.ts'
import { loadPolicyFile, parseJson, readText } from './policy-file.ts'

const PREFIX_CHARS_MIN = 6

/** A file is handed in, which does nothing where it is there already; anything else is the beginning of a hash. */
export async function hashOf(desk: PolicyDesk, policy: string, actor: string): Promise<string> {
  if (!policy.endsWith('.json')) return await knownHash(desk, policy)
  const { policyFileHash } = await import('../engine/index.ts')
  const file = await loadPolicyFile(policy)
  const { hash } = await desk.upload({ policy: file, actor })
  if (hash !== policyFileHash(file)) {
    throw badInput(
      `the server reads ${policy} in another way than this release does; bring both to one version`,
    )
  }
  return hash
}

export async function knownHash(desk: PolicyDesk, text: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  if (text.length < PREFIX_CHARS_MIN || !/^[0-9a-f]+$/.test(text)) {
    throw badInput(
      `${text} is neither a policy file (.json) nor the first ${PREFIX_CHARS_MIN} or more digits of a hash`,
    )
  }
  const { data } = await desk.list()
  const [found, ...others] = data.filter(({ hash }) => hash.startsWith(text))
  if (found === undefined)
    throw badInput(`no policy on record begins with ${text}; see highwayman policies list`)
  if (others.length > 0) throw badInput(`several policies begin with ${text}; give more digits`)
  return found.hash
}

/** The policy that an evaluation says it is of. */
export function targetHashOf(evaluation: unknown): string | undefined {
  const hash =
    typeof evaluation === 'object' && evaluation !== null && 'targetHash' in evaluation
      ? evaluation.targetHash
      : undefined
  return typeof hash === 'string' ? hash : undefined
}

/** `-` is standard input. */
export async function readJson(file: string): Promise<unknown> {
  return parseJson(file, file === '-' ? await readStdin() : await readText(file))
}

async function readStdin(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

export function badInput(message: string): Error {
  return Object.assign(new Error(message), { code: 'config_invalid' })
}
