/** `models.json` beside the prompts: what an arm costs and, in our own sets, how fast it is and what it speaks. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { describeFirstIssue, refusingProto } from './issues.ts'
import { withoutMark } from './read/mark.ts'
import { DatasetError, DIALECTS, type LatencyModel, type ModelInfo } from './types.ts'

const price = z.number('expected USD per million tokens ≥ 0').min(0, 'expected USD per million tokens ≥ 0')
const ms = z.number('expected ms > 0').positive('expected ms > 0')

const latencySchema = z
  .object(
    { ttft_ms_p50: ms, ttft_ms_p95: ms, tpot_ms_p50: ms, tpot_ms_p95: ms },
    'expected an object with ttft and tpot',
  )
  .refine((latency) => latency.ttft_ms_p95 >= latency.ttft_ms_p50, {
    path: ['ttft_ms_p95'],
    message: 'expected at least ttft_ms_p50',
  })
  .refine((latency) => latency.tpot_ms_p95 >= latency.tpot_ms_p50, {
    path: ['tpot_ms_p95'],
    message: 'expected at least tpot_ms_p50',
  })

const modelsSchema = z.preprocess(
  refusingProto,
  z.record(
    z.string(),
    z.object(
      {
        input_usd_per_mtok: price,
        output_usd_per_mtok: price,
        usd_per_request: z.number('expected USD ≥ 0').min(0, 'expected USD ≥ 0').optional(),
        latency: latencySchema.optional(),
        latency_source: z.string('expected a text').optional(),
        context_window: z.int('expected a whole number of tokens').positive('expected tokens > 0').optional(),
        wire: z.enum(DIALECTS, `expected one of ${DIALECTS.join(', ')}`).optional(),
      },
      'expected an object with prices',
    ),
    'expected an object with one entry per arm',
  ),
)

/**
 * Reads a `models.json`. A file that is not there gives an empty map: prices are then known from the rows only.
 *
 * @throws {DatasetError} `dataset_bad_models` naming file, field and what was found; `dataset_unreadable`
 */
export async function readModels(path: string): Promise<ReadonlyMap<string, ModelInfo>> {
  const text = await readIfPresent(path)
  if (text === undefined) return new Map()
  let json: unknown
  try {
    json = JSON.parse(withoutMark(text))
  } catch (cause) {
    throw new DatasetError('dataset_bad_models', `${path}: not JSON: ${(cause as Error).message}`, { cause })
  }
  const parsed = modelsSchema.safeParse(json)
  if (!parsed.success) {
    throw new DatasetError('dataset_bad_models', `${path} ${describeFirstIssue(parsed.error, json)}`)
  }
  return new Map(Object.entries(parsed.data).map(([arm, model]) => [arm, toModelInfo(model)]))
}

function toModelInfo(model: z.infer<typeof modelsSchema>[string]): ModelInfo {
  return {
    inputUsdPerMtok: model.input_usd_per_mtok,
    outputUsdPerMtok: model.output_usd_per_mtok,
    ...(model.usd_per_request !== undefined && { usdPerRequest: model.usd_per_request }),
    latency: model.latency && toLatencyModel(model.latency),
    ...(model.latency_source !== undefined && { latencySource: model.latency_source }),
    contextWindowTokens: model.context_window,
    wire: model.wire,
  }
}

/** The file that `readModels` reads back. */
export function modelsJson(models: ReadonlyMap<string, ModelInfo>): string {
  const entries = [...models].map(([arm, model]) => [
    arm,
    {
      input_usd_per_mtok: model.inputUsdPerMtok,
      output_usd_per_mtok: model.outputUsdPerMtok,
      ...(model.usdPerRequest !== undefined && { usd_per_request: model.usdPerRequest }),
      ...(model.contextWindowTokens !== undefined && { context_window: model.contextWindowTokens }),
      ...(model.wire !== undefined && { wire: model.wire }),
      ...(model.latency !== undefined && {
        latency: {
          ttft_ms_p50: model.latency.ttftMsP50,
          ttft_ms_p95: model.latency.ttftMsP95,
          tpot_ms_p50: model.latency.tpotMsP50,
          tpot_ms_p95: model.latency.tpotMsP95,
        },
      }),
      ...(model.latencySource !== undefined && { latency_source: model.latencySource }),
    },
  ])
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}

function toLatencyModel(latency: z.infer<typeof latencySchema>): LatencyModel {
  return {
    ttftMsP50: latency.ttft_ms_p50,
    ttftMsP95: latency.ttft_ms_p95,
    tpotMsP50: latency.tpot_ms_p50,
    tpotMsP95: latency.tpot_ms_p95,
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new DatasetError('dataset_unreadable', `${path}: ${(cause as Error).message}`, { cause })
  }
}
