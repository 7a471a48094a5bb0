/** How long a simulated arm takes: log-normal times, fixed by their median and 95th percentile. */
import type { RandomStream } from '../random.ts'
import type { LatencyModel } from '../types.ts'

/** The standard normal's 0.95 quantile. */
const Z95 = 1.6448536269514722

/** One request's pace, ms. */
export interface Latency {
  readonly ttftMs: number
  /** Per output token after the first. */
  readonly tpotMs: number
}

/**
 * For sets that know no latency: rounded medians and 95th percentiles of six hosted deployments that the llmperf
 * leaderboard measured in December 2023 and January 2024 (groq, anyscale, fireworks, together, perplexity, bedrock).
 */
export const MEASURED_LATENCIES: readonly LatencyModel[] = [
  { ttftMsP50: 220, ttftMsP95: 300, tpotMsP50: 3.7, tpotMsP95: 4.5 },
  { ttftMsP50: 200, ttftMsP95: 340, tpotMsP50: 17.9, tpotMsP95: 19.8 },
  { ttftMsP50: 520, ttftMsP95: 790, tpotMsP50: 21.5, tpotMsP95: 24.3 },
  { ttftMsP50: 640, ttftMsP95: 760, tpotMsP50: 11.4, tpotMsP95: 14.7 },
  { ttftMsP50: 370, ttftMsP95: 630, tpotMsP50: 30.3, tpotMsP95: 35.1 },
  { ttftMsP50: 390, ttftMsP95: 540, tpotMsP50: 43.6, tpotMsP95: 49.2 },
]

/** Draws both times, independently of each other. */
export function sampleLatency(model: LatencyModel, random: RandomStream): Latency {
  return {
    ttftMs: logNormal(model.ttftMsP50, model.ttftMsP95, random),
    tpotMs: logNormal(model.tpotMsP50, model.tpotMsP95, random),
  }
}

function logNormal(p50: number, p95: number, random: RandomStream): number {
  return p50 * (p95 / p50) ** (random.normal() / Z95)
}
