/**
 * The simulator's own endpoints, for tests and demos in another process: `GET /_simulator/state`,
 * `PUT` and `DELETE /_simulator/faults/{arm}`. Errors are `{ error: { code, message } }`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal, SimulatorError } from './errors.ts'
import { parseFault } from './faults.ts'
import { readJson, sendJson } from './http.ts'
import type { Simulator } from './simulator.ts'

export const CONTROL_PREFIX = '/_simulator/'
const FAULTS_PREFIX = `${CONTROL_PREFIX}faults/`

export async function serveControl(
  simulator: Simulator,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (path === `${CONTROL_PREFIX}state` && request.method === 'GET') {
      sendJson(response, 200, simulator.state())
    } else if (path.startsWith(FAULTS_PREFIX) && request.method === 'PUT') {
      const armId = armOf(path)
      simulator.setFault(armId, parseFault(await readJson(request)))
      sendJson(response, 200, { arm: armId, fault: simulator.fault(armId) })
    } else if (path.startsWith(FAULTS_PREFIX) && request.method === 'DELETE') {
      simulator.setFault(armOf(path), undefined)
      response.writeHead(204).end()
    } else {
      const message = `no ${request.method} ${path}; there are GET ${CONTROL_PREFIX}state, PUT and DELETE ${FAULTS_PREFIX}{arm}`
      sendJson(response, 404, { error: { code: 'not_found', message } })
    }
  } catch (error) {
    if (error instanceof Refusal)
      sendJson(response, error.status, { error: { code: error.reason, message: error.message } })
    else if (error instanceof SimulatorError) {
      const status = error.code === 'simulator_unknown_arm' ? 404 : 400
      sendJson(response, status, { error: { code: error.code, message: error.message } })
    } else throw error
  }
}

/** Arm ids hold slashes: they may come encoded or as they are. */
function armOf(path: string): string {
  const encoded = path.slice(FAULTS_PREFIX.length)
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new Refusal(400, 'bad-request', `'${encoded}' is not URL-encoded`)
  }
}
