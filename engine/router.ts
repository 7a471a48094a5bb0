import type { HalfLives, Router, RouterOptions } from './router-types.ts'
import type { ArmPrior } from './types.ts'
export const DEFAULT_FLOOR = 0.02
export declare const DEFAULT_HALF_LIFE_MS: HalfLives
export declare const DEFAULT_PRIOR: ArmPrior
export declare function createRouter(options: RouterOptions): Router
