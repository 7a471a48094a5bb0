/** What keeps a server from listening, with what to do about it. */
import { authorityOf } from './url.ts'

export type ListenErrorCode = 'listen_port_taken' | 'listen_port_forbidden' | 'listen_host_unknown'

export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: ListenErrorCode

  constructor(code: ListenErrorCode, message: string, cause: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** Where the address can be changed. */
export interface AddressSettings {
  readonly host: string
  readonly port: string
}

/** @returns a {@link ListenError}, or `thrown` as it is where nothing better can be said */
export function listenError(thrown: unknown, host: string, port: number, settings: AddressSettings): unknown {
  const system = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  const unknown: readonly [ListenErrorCode, string] = [
    'listen_host_unknown',
    `${host} is not known here; name an address of this machine (${settings.host})`,
  ]
  const problems: Readonly<Record<string, readonly [ListenErrorCode, string]>> = {
    EADDRINUSE: [
      'listen_port_taken',
      `another process listens on ${authorityOf(host, port)}; stop it, or name another port (${settings.port})`,
    ],
    EACCES: [
      'listen_port_forbidden',
      `this user may not listen on port ${port}; name one from 1024 on (${settings.port})`,
    ],
    EADDRNOTAVAIL: [
      'listen_host_unknown',
      `${host} is no address of this machine; name one that is (${settings.host})`,
    ],
    EAI_AGAIN: unknown,
    ENOTFOUND: unknown,
  }
  const [code, repair] = problems[String(system)] ?? []
  return code === undefined ? thrown : new ListenError(code, `${system}: ${repair}`, thrown)
}
