#!/usr/bin/env node
/**
 * Where the program starts. All it does itself is to have what the commands load compiled once instead of at every start;
 * therefore it imports nothing of them before that.
 */
import { keepCompiledCode } from './cli/compile-cache.ts'

keepCompiledCode()
const { run } = await import('./cli/index.ts')
await run(process.argv)
