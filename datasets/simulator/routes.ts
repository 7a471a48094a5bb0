/** Which wire format, and what of it, a path asks for. */
import type { IncomingMessage } from 'node:http'
import { BASE_PATHS } from './arms.ts'
import { anthropic } from './wire/anthropic.ts'
import { google } from './wire/google.ts'
import { openai } from './wire/openai.ts'
import type { PathInfo, Wire } from './wire/wire.ts'

export type Route =
  | { readonly kind: 'chat'; readonly wire: Wire; readonly path: PathInfo }
  | { readonly kind: 'models'; readonly wire: Wire }
  | { readonly kind: 'unknown'; readonly wire: Wire }

const GOOGLE_MODELS = `${BASE_PATHS.google}/models/`

/** A path of no provider is answered as OpenAI would. */
export function findRoute(request: IncomingMessage, path: string, query: string): Route {
  const isPost = request.method === 'POST'
  if (path === `${BASE_PATHS['openai-compatible']}/chat/completions` && isPost)
    return { kind: 'chat', wire: openai, path: {} }
  if (path === `${BASE_PATHS['openai-compatible']}/models` && request.method === 'GET')
    return { kind: 'models', wire: openai }
  if (path === `${BASE_PATHS.anthropic}/v1/messages` && isPost)
    return { kind: 'chat', wire: anthropic, path: {} }
  if (path.startsWith(GOOGLE_MODELS) && isPost) {
    const info = googlePath(path.slice(GOOGLE_MODELS.length), query)
    if (info !== undefined) return { kind: 'chat', wire: google, path: info }
  }
  if (path.startsWith(`${BASE_PATHS.anthropic}/`)) return { kind: 'unknown', wire: anthropic }
  return { kind: 'unknown', wire: path.startsWith(`${BASE_PATHS.google}/`) ? google : openai }
}

/** `{model}:generateContent` or `{model}:streamGenerateContent?alt=sse`; a model's name may itself hold colons. */
function googlePath(rest: string, query: string): PathInfo | undefined {
  const colon = rest.lastIndexOf(':')
  const model = decodeModel(rest.slice(0, colon))
  if (colon < 1 || model === undefined) return undefined
  const method = rest.slice(colon + 1)
  if (method === 'generateContent') return { model, isStream: false }
  const isSse = new URLSearchParams(query).get('alt') === 'sse'
  return method === 'streamGenerateContent' && isSse ? { model, isStream: true } : undefined
}

function decodeModel(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
