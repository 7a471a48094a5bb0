/** What the other folders may use of the outside world. */
export * from './providers/spec.ts'
export * from './providers/errors.ts'
export * from './clickhouse/store.ts'
