/**
 * The name under which a process writes its examples. By it readers tell whose sums are whose, so nobody may ever have it
 * again: it ends in a random life, and each handing over gives it another number. What a process wrote under earlier names,
 * in this life or before, is to it what any other process wrote.
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Contributor {
  name(): string
  /** Names whose examples the process still counts in memory: they are not to be read back. */
  heldNames(): readonly string[]
  /**
   * Memory and store may differ: an answer got lost, and a row may be stored of which whoever sent it was told that it is not; or a row
   * that was learned from was stored already, by another replica that was told the same.
   */
  readonly isDoubtful: boolean
  /** What was stored under its names is not what the process has in memory. */
  doubt(): void
  /** Runs a write after which its caller learns from what was written, in the same turn: both are under one name. */
  write(run: () => Promise<void>): Promise<void>
  /**
   * Takes another name, between two writes, and calls `switched` in the same turn.
   *
   * @param stored resolves when everything that was written before is stored
   * @returns when that is so, and the earlier name is no longer held
   */
  handOver(switched: () => void, stored: () => Promise<void>): Promise<void>
}

/** Between a replica's own name and what makes it unique. */
export const LIFE_SEPARATOR = '~'

export function createContributor(replica: string, life: string = randomUUID().slice(0, 13)): Contributor {
  let number = 0
  const held = new Set<string>()
  let writing = 0
  let isDoubtful = false
  /** Writes wait for it. */
  let switching: Promise<void> | undefined
  let whenIdle: (() => void) | undefined

  const name = (): string => `${replica}${LIFE_SEPARATOR}${life}${number === 0 ? '' : `.${number}`}`

  return {
    name,
    heldNames: () => [name(), ...held],
    get isDoubtful() {
      return isDoubtful
    },
    doubt: () => {
      isDoubtful = true
    },
    write: async (run) => {
      while (switching !== undefined) await switching
      writing += 1
      try {
        await run()
      } catch (error) {
        isDoubtful = true
        throw error
      } finally {
        writing -= 1
        if (writing === 0) whenIdle?.()
      }
    },
    handOver: async (switched, stored) => {
      while (switching !== undefined) await switching
      const done = Promise.withResolvers<void>()
      switching = done.promise
      let former: readonly string[]
      try {
        if (writing > 0) {
          await new Promise<void>((resolve) => {
            whenIdle = resolve
          })
          whenIdle = undefined
        }
        // Those whose write has just ended learn from it before the name changes.
        await nextTurn()
        held.add(name())
        former = [...held]
        number += 1
        isDoubtful = false
        switched()
      } finally {
        switching = undefined
        done.resolve()
      }
      await stored()
      for (const each of former) held.delete(each)
    },
  }
}
