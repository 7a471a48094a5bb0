/** Uniform in [0, 1) with 53 bits, a pure function of (id, salt). */
export declare function hash53(id: string, salt: string): number
/** Index of the arm that `u` falls on. */
export declare function draw(probabilities: Float64Array, u: number): number
