import { definitionOf } from '../experiments/declare.ts'
import type { ExperimentRecord } from '../experiments/experiments.ts'
import { planByLog } from '../experiments/plan.ts'
import { promoteWinner } from '../experiments/promote-winner.ts'
import type { PolicyDesk } from '../policies/desk.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import {
  type ExperimentReply,
  experimentBodySchema,
  experimentHistorySchema,
  experimentListSchema,
  experimentParamsSchema,
  experimentSchema,
  powerBodySchema,
  powerReplySchema,
  promoteExperimentSchema,
  type ReportReply,
  reportSchema,
  stepBodySchema,
  stopBodySchema,
} from './schemas/experiments.ts'
import { rolloutSchema } from './schemas/policies.ts'
import { snakeCase } from './snake-case.ts'

const SIMPLE_STEPS = {
  start: ['started', 'Begin: units are assigned from now on'],
  pause: ['paused', 'Let nobody take part for a while; who took part is served by what serves the others'],
  resume: ['resumed', 'Go on after a pause; everyone is in the same variant as before'],
  archive: ['archived', 'Put away one that has ended or never began'],
  rerun: ['rerun', 'Make a draft of one that has ended: it assigns everyone anew'],
} as const

/** Below the hook that lets administrators in. */
export function experimentsRoutes(app: App, services: Services, desk: PolicyDesk): void {
  const { experiments, store, clock, view } = services
  const tags = ['admin']
  app.get(
    '/admin/v1/experiments',
    {
      schema: {
        summary: 'All experiments and what state they are in',
        tags,
        response: { 200: experimentListSchema, default: errorSchema },
      },
    },
    async () => ({ object: 'list' as const, data: (await experiments.list()).map(replyOf) }),
  )
  app.post(
    '/admin/v1/experiments',
    {
      schema: {
        summary: 'Declare an experiment; it begins when it is started',
        tags,
        body: experimentBodySchema,
        response: { 201: experimentSchema, default: errorSchema },
      },
    },
    async ({ body }, reply) => {
      const definition = definitionOf(body, view().registry)
      return reply.code(201).send(replyOf(await experiments.create(definition, body.actor, body.reason)))
    },
  )
  app.post(
    '/admin/v1/experiments/power',
    {
      schema: {
        summary: 'How many units and days an effect takes to be found, by today’s traffic',
        tags,
        body: powerBodySchema,
        response: { 200: powerReplySchema, default: errorSchema },
      },
    },
    ({ body }) => planByLog(store, clock, body),
  )
  app.get(
    '/admin/v1/experiments/:key',
    {
      schema: {
        summary: 'One experiment',
        tags,
        params: experimentParamsSchema,
        response: { 200: experimentSchema, default: errorSchema },
      },
    },
    async ({ params }) => replyOf(await experiments.get(params.key)),
  )
  app.put(
    '/admin/v1/experiments/:key',
    {
      schema: {
        summary: 'Change a draft; of a running one who takes part, the weights and how long it runs',
        tags,
        params: experimentParamsSchema,
        body: experimentBodySchema,
        response: { 200: experimentSchema, default: errorSchema },
      },
    },
    async ({ params, body }) => {
      const definition = definitionOf({ ...body, key: params.key }, view().registry)
      const step = { action: 'changed', definition } as const
      return replyOf(await experiments.step(params.key, step, body.actor, body.reason))
    },
  )
  app.delete(
    '/admin/v1/experiments/:key',
    {
      schema: {
        summary: 'The same as archiving it: what was decided and found stays on record',
        tags,
        params: experimentParamsSchema,
        response: { 200: experimentSchema, default: errorSchema },
      },
    },
    async ({ params }) => replyOf(await experiments.step(params.key, { action: 'archived' }, 'api', '')),
  )
  app.get(
    '/admin/v1/experiments/:key/history',
    {
      schema: {
        summary: 'Every step of an experiment: who, when, why',
        tags,
        params: experimentParamsSchema,
        response: { 200: experimentHistorySchema, default: errorSchema },
      },
    },
    async ({ params }) => {
      const steps = await experiments.history(params.key)
      const data = steps.map(({ atMs, step, action, actor, reason }) => ({
        at_ms: atMs,
        step,
        action,
        actor,
        reason,
      }))
      return { object: 'list' as const, data }
    },
  )
  app.get(
    '/admin/v1/experiments/:key/report',
    {
      schema: {
        summary: 'What is known of it, and what that means',
        tags,
        params: experimentParamsSchema,
        response: { 200: reportSchema, default: errorSchema },
      },
    },
    async ({ params }) => {
      const readout = await experiments.report(params.key)
      const { problems } = experiments
      return snakeCase({ object: 'experiment_report', ...readout, problems }) as ReportReply
    },
  )
  app.post(
    '/admin/v1/experiments/:key/stop',
    {
      schema: {
        summary: 'End an experiment, or one of its variants',
        tags,
        params: experimentParamsSchema,
        body: stopBodySchema,
        response: { 200: experimentSchema, default: errorSchema },
      },
    },
    async ({ params, body: { actor, reason, variant } }) => {
      const step =
        variant === undefined
          ? ({ action: 'stopped', conclusion: { atMs: clock.nowMs(), kind: 'stopped', reason } } as const)
          : ({ action: 'variant_stopped', variant, reason } as const)
      return replyOf(await experiments.step(params.key, step, actor, reason))
    },
  )
  app.post(
    '/admin/v1/experiments/:key/promote',
    {
      schema: {
        summary:
          'Put what it shows of its winner on record as an evaluation, and hand the policy to the promotion gate',
        tags,
        params: experimentParamsSchema,
        body: promoteExperimentSchema,
        response: { 200: rolloutSchema, default: errorSchema },
      },
    },
    ({ params, body }) => promoteWinner(experiments, desk, params.key, body),
  )
  for (const [verb, [action, summary]] of Object.entries(SIMPLE_STEPS)) {
    app.post(
      `/admin/v1/experiments/:key/${verb}`,
      {
        schema: {
          summary,
          tags,
          params: experimentParamsSchema,
          body: stepBodySchema,
          response: { 200: experimentSchema, default: errorSchema },
        },
      },
      async ({ params, body: { actor, reason } }) =>
        replyOf(await experiments.step(params.key, { action }, actor, reason)),
    )
  }
}

export function replyOf({ state, step }: ExperimentRecord): ExperimentReply {
  const { definition, status, run, startedMs, periods, stoppedVariants, conclusion } = state
  const weights = periods.at(-1)?.weights ?? definition.variants.map(({ weight }) => weight)
  return {
    object: 'experiment',
    key: definition.key,
    status,
    run,
    step: step.step,
    started_ms: startedMs ?? null,
    variants: definition.variants.map(({ key }, index) => ({
      variant: key,
      weight: weights[index] ?? 0,
      stopped: stoppedVariants.find(({ variant }) => variant === key)?.reason ?? null,
    })),
    conclusion: (snakeCase(conclusion) as ExperimentReply['conclusion'] | undefined) ?? null,
    definition: snakeCase(definition) as ExperimentReply['definition'],
  }
}
