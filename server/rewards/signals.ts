/** What an answer shows by its form alone. Pure but for the JSON Schemas, which somebody else checks. */
import type { ChatRequest, JsonObject } from '../../adapters/index.ts'
import type { Signal } from '../registry.ts'
import type { AnswerSeen, ChoiceSeen } from './answer-seen.ts'

/** What a text is to a JSON Schema. `unknown`: nobody could say, because of the schema's or the text's size or its faults. */
export type JsonVerdict = 'valid' | 'invalid' | 'unknown'
/** @param schema undefined: any JSON will do */
export type CheckJson = (schema: JsonObject | undefined, text: string) => Promise<JsonVerdict>

export interface Findings {
  readonly fired: readonly Signal[]
  /** Signals that could have fired and of which nobody could say whether they did. */
  readonly unknown: readonly Signal[]
}

/** The signals of {@link SIGNALS} that are about one answer, of those in `on`. */
export async function findingsOf(
  on: ReadonlyMap<Signal, number>,
  request: Pick<ChatRequest, 'tools' | 'response_format'>,
  answer: AnswerSeen,
  checkJson: CheckJson,
): Promise<Findings> {
  const fired = new Set<Signal>()
  const unknown = new Set<Signal>()
  const note = (signal: Signal, verdict: JsonVerdict): void => {
    if (verdict === 'invalid') fired.add(signal)
    if (verdict === 'unknown') unknown.add(signal)
  }
  // An answer without a choice says nothing at all.
  if (answer.choices.length === 0 && on.has('empty')) fired.add('empty')
  for (const choice of answer.choices) {
    if (on.has('empty') && isEmpty(choice)) fired.add('empty')
    if (on.has('refused') && isRefused(choice)) fired.add('refused')
    if (on.has('truncated') && choice.finish === 'length') fired.add('truncated')
    if (on.has('invalidJson')) note('invalidJson', await jsonOf(request, choice, answer.isCut, checkJson))
    if (on.has('invalidToolArguments')) {
      for (const verdict of await argumentsOf(request, choice, answer.isCut, checkJson)) {
        note('invalidToolArguments', verdict)
      }
    }
  }
  return { fired: [...fired], unknown: [...unknown].filter((signal) => !fired.has(signal)) }
}

function isEmpty(choice: ChoiceSeen): boolean {
  return choice.content.trim() === '' && choice.toolCalls.length === 0 && !isRefused(choice)
}

function isRefused({ refusal, finish }: ChoiceSeen): boolean {
  return refusal !== '' || finish === 'content_filter'
}

async function jsonOf(
  { response_format: format }: Pick<ChatRequest, 'response_format'>,
  choice: ChoiceSeen,
  isCut: boolean,
  checkJson: CheckJson,
): Promise<JsonVerdict> {
  const wantsJson = format?.type === 'json_object' || format?.type === 'json_schema'
  // Who refuses or calls a tool owes no JSON, and nothing is `empty`.
  if (!wantsJson || isRefused(choice) || choice.toolCalls.length > 0 || choice.content.trim() === '')
    return 'valid'
  if (isCut) return 'unknown'
  return checkJson(format.type === 'json_schema' ? format.json_schema?.schema : undefined, choice.content)
}

async function argumentsOf(
  { tools }: Pick<ChatRequest, 'tools'>,
  { toolCalls }: ChoiceSeen,
  isCut: boolean,
  checkJson: CheckJson,
): Promise<readonly JsonVerdict[]> {
  if (toolCalls.length === 0) return []
  if (isCut) return ['unknown']
  const verdicts: JsonVerdict[] = []
  for (const { name, arguments: args } of toolCalls) {
    const offered = tools?.find((tool) => tool.function?.name === name)
    if (offered === undefined) verdicts.push('invalid')
    // A tool without parameters is called with no arguments, by some models with no text at all.
    else if (args.trim() === '' && offered.function?.parameters === undefined) verdicts.push('valid')
    else verdicts.push(await checkJson(offered.function?.parameters ?? undefined, args))
  }
  return verdicts
}

/** @returns what the answer is worth by its worst finding, and the name of that finding */
export function worstOf(
  fired: readonly Signal[],
  worths: ReadonlyMap<Signal, number>,
  passedWorth: number,
): { readonly worth: number; readonly name: Signal | 'passed' } {
  let worst: { readonly worth: number; readonly name: Signal | 'passed' } = {
    worth: passedWorth,
    name: 'passed',
  }
  for (const signal of fired) {
    const worth = worths.get(signal)
    if (worth !== undefined && worth <= worst.worth) worst = { worth, name: signal }
  }
  return worst
}
