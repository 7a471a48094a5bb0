import { isIPv6 } from 'node:net'

/** `127.0.0.1:8787`, `[::1]:8787` */
export function authorityOf(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Where this machine finds a server that listens on `host`: an address, a name, or a wildcard. */
export function urlOf(host: string, port: number): string {
  return `http://${authorityOf(host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host, port)}`
}
