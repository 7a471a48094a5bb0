import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  language: ['Python', 'TypeScript', 'Go', 'Rust', 'Java', 'Kotlin', 'C#', 'Ruby'],
  routine: [
    'merges overlapping date ranges',
    'finds the longest run of equal characters in a string',
    'parses a duration such as "1h30m15s" into seconds',
    'groups transactions by month and sums them per category',
    'returns the k most frequent words of a text',
    'validates an IBAN check digit',
    'flattens a nested list of any depth',
    'rotates a matrix by 90 degrees in place',
    'computes a rolling median over a window of n values',
    'diffs two dictionaries and reports added, removed and changed keys',
    'limits calls to n per second with a token bucket',
    'topologically sorts tasks and reports a cycle when there is one',
  ],
  demand: [
    'Handle the empty input.',
    'Add type annotations.',
    'No external libraries.',
    'It must run in linear time.',
    'Include three unit tests.',
    'Explain the complexity in one line.',
    'Raise a clear error for bad input.',
  ],
  bug: [
    'It is off by one for short inputs.\n\n```python\ndef average(xs):\n    total = 0\n    for i in range(1, len(xs)):\n        total += xs[i]\n    return total / len(xs)\n```',
    'The second call returns things from the first.\n\n```python\ncache = {}\ndef load(key, default=[]):\n    default.append(key)\n    cache[key] = default\n    return cache[key]\n```',
    'It says "all saved" and then half of the rows are missing.\n\n```typescript\nasync function saveAll(rows: Row[]) {\n  rows.forEach(async (row) => await db.save(row))\n  console.log("all saved")\n}\n```',
    'It fails on the second item and I do not see why.\n\n```typescript\nconst byId = items.reduce((acc, item) => {\n  acc[item.id] = item\n}, {} as Record<string, Item>)\n```',
    'Some jobs run twice and sometimes it panics.\n\n```go\nfor _, job := range jobs {\n\tgo func() {\n\t\tresults <- run(job.ID)\n\t}()\n}\nclose(results)\n```',
    'It never confirms, although I type yes.\n\n```java\nString a = readLine();\nif (a == "yes") {\n    confirm();\n}\n```',
    'The compiler rejects it and I do not see why.\n\n```rust\nfn longest(words: &Vec<String>) -> &str {\n    let mut best = String::new();\n    for w in words { if w.len() > best.len() { best = w.clone(); } }\n    &best\n}\n```',
    'It hangs when the server is down.\n\n```ruby\ndef retry_call\n  begin\n    yield\n  rescue => e\n    retry\n  end\nend\n```',
  ],
  table: [
    'orders(id, customer_id, placed_at, total_cents)',
    'visits(id, page, user_id, seen_at)',
    'payments(id, order_id, status, created_at)',
    'readings(sensor_id, taken_at, celsius)',
    'loans(id, member_id, due_on, returned_on)',
  ],
  question: [
    'the three busiest hours of each weekday',
    'the share of users who came back within [[int:7..30]] days',
    'the running total per month',
    'rows that appear more than once, ignoring the id',
    'the median gap between two consecutive entries of one owner',
    'everyone who was active in [[month]] but not in the month after',
  ],
  dialect: ['PostgreSQL', 'SQLite', 'ClickHouse', 'MySQL 8'],
}

export const code = [
  family(
    'code/write',
    [
      'Write a [[language]] function that [[routine]]. [[demand]]',
      'I need a [[language]] helper for [[app]]: it [[routine]]. [[demand]] [[demand]]',
      'In [[language]], how would you write something that [[routine]]? Show the code only.',
      'Implement a function in [[language]] that [[routine]], and a second version that streams its input. [[demand]]',
    ],
    slots,
  ),
  family(
    'code/debug',
    [
      'What is wrong with this code? [[bug]]',
      'Please find the bug. It is part of [[app]]. [[bug]]\n\n[[demand]]',
      'Code review this for me, [[tone]] please. [[bug]]\n\n[[demand]] [[demand]]',
    ],
    slots,
  ),
  family(
    'code/sql',
    [
      'Given the table [[table]], write SQL for [[dialect]] that returns [[question]].',
      'SQL help for [[app]]: [[table]]. I want [[question]]. Dialect is [[dialect]].',
      'Write one [[dialect]] query over [[table]] for [[question]], without a temporary table, and say which index it needs.',
    ],
    slots,
  ),
]
