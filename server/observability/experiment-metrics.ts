/** What `/metrics` tells of experiments. Read when it is asked for; keys and variants are the operators' words. */
import { Gauge, type Registry as MetricsRegistry } from 'prom-client'

export interface ExperimentsStatus {
  readonly running: readonly { readonly key: string; readonly weights: ReadonlyMap<string, number> }[]
  /** Alarms of the last look. */
  readonly alarms: readonly { readonly key: string; readonly code: string }[]
  readonly problems: readonly string[]
}

export function registerExperimentMetrics(
  registry: MetricsRegistry,
  experiments: { readonly status: ExperimentsStatus },
): void {
  const registers = [registry]
  new Gauge({
    name: 'highwayman_experiment_share',
    help: 'Share of the units of a running experiment that each variant takes; 0: it was stopped.',
    labelNames: ['experiment', 'variant'],
    registers,
    collect() {
      this.reset()
      for (const { key, weights } of experiments.status.running)
        for (const [variant, weight] of weights) this.set({ experiment: key, variant }, weight)
    },
  })
  new Gauge({
    name: 'highwayman_experiment_alarms',
    help: 'Alarms of running experiments at the last look: no number of such an experiment can be believed.',
    labelNames: ['experiment', 'code'],
    registers,
    collect() {
      this.reset()
      for (const { key, code } of experiments.status.alarms) this.set({ experiment: key, code }, 1)
    },
  })
  new Gauge({
    name: 'highwayman_experiment_problems',
    help: 'What keeps experiments from running as declared; a report names each.',
    registers,
    collect() {
      this.set(experiments.status.problems.length)
    },
  })
}
