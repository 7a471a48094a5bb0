/**
 * A server on loopback that speaks three providers' wire formats and whose arms' quality, speed, price and answer length
 * follow a dataset. It is the upstream of the demo, of tests and of benchmarks, and says in every answer what it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Dataset, PromptRow } from '../types.ts'
import { BASE_PATHS, profileArms, routeIds, type SimulatedArm } from './arms.ts'
import { CONTROL_PREFIX, serveControl } from './control.ts'
import { Refusal, SimulatorError } from './errors.ts'
import { type Fault, parseFault } from './faults.ts'
import { sendJson } from './http.ts'
import { PromptBook } from './prompt-book.ts'
import { type ProviderState, refuse, serveChat } from './provider.ts'
import { findRoute } from './routes.ts'
import type { Wire } from './wire/wire.ts'

export interface SimulatorOptions {
  readonly dataset: Dataset
  /** @default '127.0.0.1' */
  readonly host?: string
  /** @default 0 (any free port) */
  readonly port?: number
  /** Of latency, tool arguments and faults with a probability. @default 1 */
  readonly seed?: number
  /** Factor on all times; 0 answers at once. @default 1 */
  readonly latencyScale?: number
  /** False is the same as `latencyScale: 0`. @default true */
  readonly latency?: boolean
}

export interface SimulatorState {
  readonly dataset: string
  readonly prompts: number
  readonly seed: number
  readonly latencyScale: number
  readonly arms: readonly {
    readonly id: string
    readonly dialect: string
    readonly baseUrl: string
    readonly upstreamModel: string
    readonly requests: number
    readonly fault: Fault | null
  }[]
}

export interface Simulator {
  /** Without a trailing slash. */
  readonly url: string
  readonly arms: readonly SimulatedArm[]
  /** Of the dataset's prompts: the request classes that a router in front should tell apart; sorted. */
  readonly categories: readonly string[]
  /** Replaces the arm's fault; `undefined` heals it. @throws {SimulatorError} `simulator_unknown_arm`, `simulator_bad_fault` */
  setFault(armId: string, fault: Fault | undefined): void
  /** @throws {SimulatorError} `simulator_unknown_arm` */
  fault(armId: string): Fault | undefined
  /** Requests that reached the arm, faulty ones included. @throws {SimulatorError} `simulator_unknown_arm` */
  requestCount(armId: string): number
  state(): SimulatorState
  /** Closes the port and every connection, also those that hang. */
  close(): Promise<void>
}

/**
 * Reads the whole dataset into memory and starts listening.
 *
 * @throws {DatasetError} of a bad dataset; {SimulatorError} `simulator_no_arms`; a system error when the port is taken
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { dataset, host = '127.0.0.1', port = 0, seed = 1, latency = true, latencyScale = 1 } = options
  const rows: PromptRow[] = []
  for await (const row of dataset.rows()) rows.push(row)
  let lastId = 0
  const state: ProviderState = {
    arms: profileArms(dataset.models, rows),
    book: new PromptBook(rows),
    categories: [...new Set(rows.map((row) => row.category))].sort(),
    datasetName: dataset.name,
    seed,
    latencyScale: latency ? latencyScale : 0,
    requestCounts: new Map(),
    faults: new Map(),
    nextId: () => ++lastId,
  }
  const server = createServer((request, response) => {
    handle(simulator, state, request, response).catch((error: unknown) => giveUp(response, error))
  })
  server.listen({ host, port })
  // Rejects with the listening error, such as EADDRINUSE.
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject))
  const simulator = describe(state, originOf(server.address() as AddressInfo), () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    return closed
  })
  return simulator
}

function describe(state: ProviderState, url: string, close: () => Promise<void>): Simulator {
  const ids = routeIds(state.arms)
  const arms = state.arms.map((arm, i) => ({
    ...arm,
    routeId: ids[i] ?? arm.id,
    baseUrl: url + BASE_PATHS[arm.dialect],
  }))
  const known = (armId: string) => {
    if (arms.some((arm) => arm.id === armId)) return armId
    const ids = arms.map((arm) => arm.id).join(', ')
    throw new SimulatorError('simulator_unknown_arm', `no arm '${armId}'; the arms are ${ids}`)
  }
  const simulator: Simulator = {
    url,
    arms,
    categories: state.categories,
    setFault(armId, fault) {
      if (fault === undefined) state.faults.delete(known(armId))
      else state.faults.set(known(armId), parseFault(fault))
    },
    fault: (armId) => state.faults.get(known(armId)),
    requestCount: (armId) => state.requestCounts.get(known(armId)) ?? 0,
    state: () => ({
      dataset: state.datasetName,
      prompts: state.book.size,
      seed: state.seed,
      latencyScale: state.latencyScale,
      arms: arms.map(({ id, dialect, baseUrl, upstreamModel }) => ({
        id,
        dialect,
        baseUrl,
        upstreamModel,
        requests: simulator.requestCount(id),
        fault: simulator.fault(id) ?? null,
      })),
    }),
    close,
  }
  return simulator
}

async function handle(
  simulator: Simulator,
  state: ProviderState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  if (path.startsWith(CONTROL_PREFIX)) return serveControl(simulator, path, request, response)
  const route = findRoute(request, path, query)
  switch (route.kind) {
    case 'chat':
      return serveChat(state, route.wire, route.path, request, response)
    case 'models':
      return listModels(state, route.wire, request, response)
    case 'unknown':
      return refuse(route.wire, new Refusal(404, 'unknown-path', `no ${request.method} ${path}`), response)
  }
}

/** A failure of ours, or a client that left while it was sending: only the first has somebody to tell. */
function giveUp(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) response.destroy()
  else sendJson(response, 500, { error: { code: 'simulator_failed', message: String(error) } })
}

function listModels(
  state: ProviderState,
  wire: Wire,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (!wire.hasKey(request.headers)) {
    refuse(
      wire,
      new Refusal(401, 'missing-key', 'no API key in the request; the simulator takes any'),
      response,
    )
    return
  }
  const data = state.arms
    .filter((arm) => arm.dialect === wire.dialect)
    .map((arm) => ({ id: arm.upstreamModel, object: 'model', created: 0, owned_by: 'simulator' }))
  sendJson(response, 200, { object: 'list', data })
}

function originOf(address: AddressInfo): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
