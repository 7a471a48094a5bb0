import { isIPv6 } from 'node:net'

/** Where this machine finds a server that listens on `host`: an address, a name, or a wildcard. */
export function urlOf(host: string, port: number): string {
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
}
