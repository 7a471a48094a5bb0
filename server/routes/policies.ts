import type { PolicySpec } from '../../engine/index.ts'
import type { PolicyDesk } from '../policies/desk.ts'
import { draftPolicy } from '../policies/promotion.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import {
  draftBodySchema,
  draftReplySchema,
  evaluationBodySchema,
  evaluationReplySchema,
  policyListSchema,
  policyParamsSchema,
  policyReplySchema,
  promoteBodySchema,
  rollbackBodySchema,
  rolloutListSchema,
  rolloutSchema,
  rolloutsQuerySchema,
  uploadBodySchema,
  uploadReplySchema,
} from './schemas/policies.ts'

/** Below the hook that lets administrators in. */
export function policiesRoutes(app: App, { clock, view }: Services, desk: PolicyDesk): void {
  app.get(
    '/admin/v1/policies',
    {
      schema: {
        summary: 'Policy files on record, the newest first, and what each serves',
        tags: ['admin'],
        response: { 200: policyListSchema, default: errorSchema },
      },
    },
    () => desk.list(),
  )
  app.post(
    '/admin/v1/policies',
    {
      schema: {
        summary: 'Hand in a policy file; its hash names it from then on',
        tags: ['admin'],
        body: uploadBodySchema,
        response: { 200: uploadReplySchema, default: errorSchema },
      },
    },
    ({ body }) => desk.upload(body),
  )
  app.post(
    '/admin/v1/policies/draft',
    {
      schema: {
        summary: 'A policy file over the features that this server goes by, which are those of its log',
        tags: ['admin'],
        body: draftBodySchema,
        response: { 200: draftReplySchema, default: errorSchema },
      },
    },
    ({ body: { policy, floor } }) =>
      draftPolicy(view().registry, { policy: policy as PolicySpec, floor, createdMs: clock.nowMs() }),
  )
  app.get(
    '/admin/v1/policies/:hash',
    {
      schema: {
        summary: 'One of them whole, with the evaluations of it',
        tags: ['admin'],
        params: policyParamsSchema,
        response: { 200: policyReplySchema, default: errorSchema },
      },
    },
    ({ params }) => desk.show(params.hash),
  )
  app.post(
    '/admin/v1/policies/:hash/evaluations',
    {
      schema: {
        summary: 'Put an evaluation of a policy on record: what the gate looks at',
        tags: ['admin'],
        params: policyParamsSchema,
        body: evaluationBodySchema,
        response: { 200: evaluationReplySchema, default: errorSchema },
      },
    },
    ({ params, body }) => desk.record(params.hash, body),
  )
  app.post(
    '/admin/v1/promote',
    {
      schema: {
        summary:
          'Give a policy a share of a virtual model’s traffic, or all of it, if the gate lets it through',
        tags: ['admin'],
        body: promoteBodySchema,
        response: { 200: rolloutSchema, default: errorSchema },
      },
    },
    ({ body }) => desk.promote(body),
  )
  app.post(
    '/admin/v1/rollback',
    {
      schema: {
        summary: 'End a canary; without one, go back to what was live before',
        tags: ['admin'],
        body: rollbackBodySchema,
        response: { 200: rolloutSchema, default: errorSchema },
      },
    },
    ({ body }) => desk.rollBack(body),
  )
  app.get(
    '/admin/v1/rollouts',
    {
      schema: {
        summary: 'Every step of every policy on its way to all traffic and back, and what serves now',
        tags: ['admin'],
        querystring: rolloutsQuerySchema,
        response: { 200: rolloutListSchema, default: errorSchema },
      },
    },
    ({ query }) => desk.rollouts(query.model),
  )
}
