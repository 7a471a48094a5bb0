import type { RequestFacts, RequestText } from './types.ts'
export declare function describeRequest(request: RequestText): RequestFacts
