/** The HTTP application: plugins, hooks and routes put together; nothing here listens or opens anything. */
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Embedder } from '../adapters/index.ts'
import { DEFAULT_GATE_RULES } from '../eval/gate/index.ts'
import type { AppDeps } from './deps.ts'
import { serverError } from './errors.ts'
import { readJsonOnly } from './json-body.ts'
import { Judges } from './judges/judges.ts'
import { KeyedLock } from './keyed-lock.ts'
import { registerExperimentMetrics } from './observability/experiment-metrics.ts'
import { logRequest } from './observability/log.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { registerPolicyMetrics } from './observability/policy-metrics.ts'
import { registerReplicaMetrics } from './observability/replica-metrics.ts'
import { Accounts } from './pipeline/accounts.ts'
import { authorizeAdmin } from './pipeline/authorize-admin.ts'
import { Conversations } from './pipeline/conversations.ts'
import { errorBody, errorHeaders } from './pipeline/error-body.ts'
import { RecentDecisions } from './pipeline/recent-decisions.ts'
import { toServerError } from './pipeline/to-server-error.ts'
import { refusal } from './pipeline/validate.ts'
import { createPolicyDesk, type PolicyDesk } from './policies/desk.ts'
import { viewOfCurrent } from './registry-view.ts'
import { ArmLoad } from './resilience/arm-load.ts'
import { ArmHealth } from './resilience/health.ts'
import { InFlight } from './resilience/in-flight.ts'
import { ReadinessProbes } from './resilience/readiness-probes.ts'
import { DefaultRewards } from './rewards/defaults.ts'
import { Reviews } from './rewards/reviews.ts'
import { adminRoutes } from './routes/admin.ts'
import type { App } from './routes/app-type.ts'
import { chatCompletionsRoute } from './routes/chat-completions.ts'
import { decisionsRoute } from './routes/decisions.ts'
import { describeRoutes, docsRoutes } from './routes/docs.ts'
import { experimentsRoutes } from './routes/experiments.ts'
import { feedbackRoute } from './routes/feedback.ts'
import { healthRoutes } from './routes/health.ts'
import { judgesRoute } from './routes/judges.ts'
import { logRoute } from './routes/log.ts'
import { metricsRoute } from './routes/metrics.ts'
import { modelsRoutes } from './routes/models.ts'
import { outcomesRoute } from './routes/outcomes.ts'
import { policiesRoutes } from './routes/policies.ts'
import { routeRoute } from './routes/route.ts'
import type { Services } from './services.ts'
import { TextEmbeddings } from './text-embeddings.ts'
import { TurnEnd } from './turn-end.ts'

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/
const PARAM_CHARS_MAX = 512
const OVERLOAD_RETRY_MS = 1_000
const DRAINING_RETRY_MS = 1_000

export interface BuiltApp {
  readonly app: App
  readonly inFlight: InFlight
  readonly probes: ReadinessProbes
}

/** Ready to be listened for ({@link App.routing}) or to be injected into. */
export async function buildApp(deps: AppDeps): Promise<BuiltApp> {
  const { registry, metricsRegistry, logger, embedder, ...outside } = deps
  const view = viewOfCurrent(registry)
  const { bodyLimitBytes } = registry().server
  const answerError = errorAnswer(bodyLimitBytes)
  const app: App = Fastify({
    // A URL that is none never reaches a route.
    frameworkErrors: answerError,
    logger: logger ?? false,
    // Our own line says more: see logRequest.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    // Ids of arms stand in paths.
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    genReqId: (raw) => requestIdOf(raw.headers['x-request-id']) ?? deps.ids.next(),
  }).withTypeProvider<ZodTypeProvider>()
  // A child logger for every request would cost as much as the routing; what is logged names its request instead.
  app.log.child = () => app.log
  const health = new ArmHealth()
  const inFlight = new InFlight()
  const probes = new ReadinessProbes()
  const arms = () => registry().arms.keys()
  const metrics = createMetrics(metricsRegistry, { store: deps.store, health, inFlight, arms })
  registerReplicaMetrics(metricsRegistry, deps.replicas, deps.clock)
  registerPolicyMetrics(metricsRegistry, deps.rollouts)
  registerExperimentMetrics(metricsRegistry, deps.experiments)
  const judges = new Judges(() => services)
  const services: Services = {
    ...outside,
    view,
    metrics,
    embeddings: embedder && textEmbeddings(deps, embedder, metrics),
    health,
    load: new ArmLoad(),
    inFlight,
    recent: new RecentDecisions(),
    conversations: new Conversations(),
    accounts: new Accounts(),
    feedbackLock: new KeyedLock(),
    turnEnd: new TurnEnd((thrown) => app.log.error({ err: thrown }, 'failed at the end of a turn')),
    reviews: new Reviews(() => services, judges),
    judges,
    log: app.log,
  }
  const defaults = new DefaultRewards(services)
  app.addHook('onReady', async () => defaults.start())
  app.addHook('onClose', async () => {
    await Promise.all([defaults.close(), judges.close()])
    await services.reviews.close()
  })
  readJsonOnly(app)
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => {
    const result = schema.safeParse(data)
    return result.success ? { value: result.data } : { error: refusal(result.error) }
  })
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request, reply) => answerError(routeNotFound(request), request, reply))
  admitRequests(app, services)
  await describeRoutes(app)
  // What is registered here can be read without a key. Everything below /v1 asks for one.
  healthRoutes(app, services, probes)
  metricsRoute(app, metricsRegistry)
  await docsRoutes(app)
  await app.register(async (scope: App) => {
    scope.addHook('onRequest', (request, _, done) => {
      try {
        authorizeAdmin(services.view().registry, request.raw)
      } catch (error) {
        done(error as Error)
        return
      }
      done()
    })
    const desk = policyDesk(services)
    adminRoutes(scope, services)
    policiesRoutes(scope, services, desk)
    logRoute(scope, services)
    experimentsRoutes(scope, services, desk)
  })
  await app.register(async (scope: App) => {
    scope.addHook('onRequest', (request, _, done) => {
      try {
        admit(services)
        request.tenant = services.view().keyring.authenticate(request.headers)
      } catch (error) {
        done(error as Error)
        return
      }
      done()
    })
    chatCompletionsRoute(scope, services)
    modelsRoutes(scope, services)
    routeRoute(scope, services)
    feedbackRoute(scope, services)
    outcomesRoute(scope, services)
    judgesRoute(scope, services)
    decisionsRoute(scope, services)
  })
  await app.ready()
  return { app, inFlight, probes }
}

function policyDesk({ store, clock, ids, view, rollouts }: Services): PolicyDesk {
  return createPolicyDesk(
    { store, clock, ids, registry: () => view().registry, defaultRules: DEFAULT_GATE_RULES },
    // The step is taken once it is on record. That it could not be read back at once is in /readyz, and is tried again.
    () => rollouts.followQuietly(),
  )
}

function textEmbeddings(
  { router, clock }: AppDeps,
  embedder: Embedder,
  metrics: Metrics,
): TextEmbeddings | undefined {
  const block = router.featureSpace.text
  if (block?.kind !== 'embedding') return undefined
  return new TextEmbeddings({
    embedder,
    block,
    clock,
    onResult: (result) => metrics.embeddings.inc({ result }),
  })
}

/** Before a body is read: too much work is turned away while turning away is cheap. @throws {ServerError} 503 */
function admit({ inFlight, view }: Services): void {
  if (inFlight.draining) {
    throw serverError('draining', 'The gateway is shutting down; send the request again.', {
      retryAfterMs: DRAINING_RETRY_MS,
    })
  }
  const { maxInFlight } = view().registry.server
  if (inFlight.count > maxInFlight) {
    throw serverError('overloaded', `More than ${maxInFlight} requests are running; try again shortly.`, {
      retryAfterMs: OVERLOAD_RETRY_MS,
    })
  }
}

/** A caller's own id is kept when it is harmless in headers and logs. */
function requestIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : undefined
}

type ErrorAnswer = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => void

function errorAnswer(bodyLimitBytes: number): ErrorAnswer {
  return (thrown, request, reply) => {
    const contentType = request.headers['content-type']
    const error = toServerError(thrown, { requestId: request.id, bodyLimitBytes, contentType })
    // Whoever leaves in the middle of a body is no fault of ours, and reads no answer.
    if (error.code === 'internal_error' && !request.raw.readableAborted)
      request.log.error({ reqId: request.id, err: thrown }, 'request failed')
    reply
      .code(error.status)
      .header('x-request-id', request.id)
      .headers(errorHeaders(error, request.flight?.sinceReceivedMs))
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(errorBody(error)))
  }
}

function routeNotFound({ method, url }: FastifyRequest): Error {
  const path = url.split('?', 1)[0]
  return serverError('route_not_found', `There is no ${method} ${path}; see /docs for what there is.`, {
    shouldRetry: false,
  })
}

/** Counts every request, and logs it when it has ended, however it did. */
function admitRequests(app: App, { inFlight }: Services): void {
  app.decorateRequest('flight')
  app.decorateRequest('tenant')
  app.addHook('onRequest', (request, reply, done) => {
    request.flight = inFlight.enter(reply.raw, (flight) => logRequest(request, reply, flight))
    reply.header('x-request-id', request.id)
    done()
  })
}
