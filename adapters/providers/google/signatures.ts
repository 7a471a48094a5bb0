/**
 * Thought signatures on their way through the caller, under `extra_content.google.thought_signature`, which is where Google's
 * own OpenAI endpoint puts them. Only the model that made one gets it back.
 */
import { asRecord, asText, type Wire } from '../wire.ts'

/** What Google documents for calls that another model made. */
export const SIGNATURE_PLACEHOLDER = 'skip_thought_signature_validator'

/** A field for a tool call, message or delta; empty without a signature. */
export function signatureField(signature: unknown, origin: string): Wire {
  return typeof signature === 'string'
    ? { extra_content: { google: { thought_signature: signature, origin } } }
    : {}
}

/** The signature in `holder`, unless another origin made it. Clients that came from Google's endpoint name no origin. */
export function readSignature(holder: unknown, origin: string): string | undefined {
  const google = asRecord(asRecord(asRecord(holder)?.['extra_content'])?.['google'])
  const maker = google?.['origin']
  return maker === undefined || maker === origin ? asText(google?.['thought_signature']) : undefined
}
