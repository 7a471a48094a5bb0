import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  goods: ['crates of apples', 'rolls of fabric', 'boxes of tiles', 'sacks of coffee', 'trays of seedlings'],
  statement: [
    'the sum of two odd numbers is even',
    'the square root of [[int:2..3]] is irrational',
    'n^3 − n is divisible by 6 for every whole number n',
    'among any [[int:5..7]] integers some three have a sum divisible by 3',
    'a tree with n vertices has n − 1 edges',
    'the harmonic series diverges',
    'every bounded monotone sequence converges',
    'if a divides bc and gcd(a, b) = 1 then a divides c',
  ],
  integrand: [
    'x·e^(−[[int:2..9]]x)',
    'x^2·ln(x)',
    '1 / (x^2 + [[int:2..25]])',
    'sin([[int:2..7]]x)·cos(x)',
    '[[int:2..9]]x / (x^2 + 1)^2',
    'x·sqrt(x + [[int:1..9]])',
  ],
}

export const math = [
  family(
    'math/word-problem',
    [
      '[[person:buyer]] buys [[int:3..28]] [[goods]] at [[int:4..37]] euros each and gets [[int:5..30]] percent off everything above [[int:100..250]] euros. How many euros does [[person:buyer]] pay?',
      'A tank holds [[int:200..900]] litres. One pipe fills it in [[int:3..12]] hours, another empties it in [[int:13..30]] hours. Calculate how long it takes to fill with both open.',
      'A train leaves [[city]] at [[int:60..130]] km/h and a second one follows [[int:20..75]] minutes later at [[int:135..210]] km/h. After how many kilometres does it catch up?',
      '[[company]] had [[int:1200..9800]] customers. The number grew by [[int:3..19]] percent in the first year and fell by [[int:2..14]] percent in the second. How many are left, to the nearest whole number?',
      'A recipe for [[int:4..6]] needs [[int:250..600]] g of flour and [[int:2..5]] eggs. Compute the amounts for [[int:7..23]] people and round eggs up.',
    ],
    slots,
  ),
  family(
    'math/algebra-calculus',
    [
      'Solve for x: [[int:2..9]]x^2 − [[int:3..40]]x + [[int:1..30]] = 0.',
      'Compute the integral of [[integrand]] dx. Show each step.',
      'Find the derivative of f(x) = [[integrand]] and its zeros.',
      'Solve the system of equations [[int:2..9]]x + [[int:2..9]]y = [[int:10..80]], [[int:2..9]]x − [[int:2..9]]y = [[int:1..30]].',
      'What is the remainder when [[int:3..17]]^[[int:40..300]] is divided by [[int:7..29]]?',
    ],
    slots,
  ),
  family(
    'math/probability-proof',
    [
      'An urn holds [[int:4..15]] red and [[int:4..15]] blue balls. [[int:2..4]] are drawn without replacement. What is the probability that all have one colour?',
      'A test detects a fault in [[int:85..99]] percent of faulty parts and gives a false alarm for [[int:1..9]] percent of good ones. [[int:1..6]] percent of parts are faulty. A part tests positive: how likely is it faulty? Calculate exactly.',
      'Prove that [[statement]].',
      'Prove or give a counterexample: [[statement]]. Write it for a first-year student.',
      'You roll [[int:2..6]] fair dice. What is the probability that the sum is at least [[int:9..19]]?',
    ],
    slots,
  ),
]
