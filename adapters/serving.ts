/** What only a server uses of the outside world. It loads an HTTP client and a tokenizer, which whoever reads a store can do without. */
export { createEmbedder } from './providers/embeddings.ts'
export { createProvider } from './providers/index.ts'
export { createTokenCounter } from './tokens.ts'
