/** A disk that can be made to fail: Node's `open`, whose files refuse to be written or synced while they are told to. */
import { type FileHandle, open } from 'node:fs/promises'

export interface FailingDisk {
  readonly open: typeof open
  /** What fails: a write leaves a part of what it was given, as a full disk does. */
  failing: 'write' | 'sync' | undefined
}

export function failingDisk(): FailingDisk {
  const disk: FailingDisk = {
    failing: undefined,
    open: async (...args) => wrap(await open(...args), disk),
  }
  return disk
}

function wrap(handle: FileHandle, disk: FailingDisk): FileHandle {
  return new Proxy(handle, {
    get: (target, name) => {
      if (name === 'writev' && disk.failing === 'write') {
        return async (pieces: readonly Uint8Array[], position: number) => {
          const [first = Buffer.alloc(0)] = pieces
          await target.write(first, 0, first.length, position)
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        }
      }
      if (name === 'datasync' && disk.failing === 'sync') {
        return async () => {
          throw Object.assign(new Error('i/o error'), { code: 'EIO' })
        }
      }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
