/**
 * The line that ends every simulated answer and tells what it was: `[simulated: prompt=cr-chat-001 arm=sim-openai/x
 * quality=0.83]`. It comes last, so that an answer cut short carries none and cannot be judged by it.
 */

export interface Verdict {
  readonly promptId: string
  readonly armId: string
  /** [0, 1]: the outcome's quality in the dataset. */
  readonly quality: number
  /** True: the prompt was not in the set, and the outcome is that of the row most like it. */
  readonly isNearest: boolean
}

const LINE = /\[simulated: prompt=(\S+) arm=(\S+) quality=(\d(?:\.\d+)?)( match=nearest)?\]/
const VERDICT = new RegExp(`${LINE.source}\\s*$`)

export function writeVerdict(verdict: Verdict): string {
  const match = verdict.isNearest ? ' match=nearest' : ''
  return `[simulated: prompt=${encodeURI(verdict.promptId)} arm=${encodeURI(verdict.armId)} quality=${Number(verdict.quality.toFixed(6))}${match}]`
}

/** The verdict at the end of an answer; `undefined` for a text that has none, such as a truncated answer or a real one. */
export function readVerdict(text: string): Verdict | undefined {
  return verdictIn(VERDICT.exec(text.slice(-1_000)))
}

/** The last verdict anywhere in a text that quotes answers. */
export function findVerdict(text: string): Verdict | undefined {
  const at = text.lastIndexOf('[simulated: ')
  return at === -1 ? undefined : verdictIn(LINE.exec(text.slice(at, at + 1_000)))
}

function verdictIn(found: RegExpExecArray | null): Verdict | undefined {
  const [, promptId, armId, quality, nearest] = found ?? []
  if (promptId === undefined || armId === undefined || quality === undefined) return undefined
  return {
    promptId: decodeURI(promptId),
    armId: decodeURI(armId),
    quality: Number(quality),
    isNearest: nearest !== undefined,
  }
}
