/** Classes that are told by what a request carries besides its text. Their texts are those of any other class. */
import { heldOut, train } from '../labelled-family.ts'

const asks = [
  'What is in this picture?',
  'Describe the image.',
  'Which of these two is larger?',
  'Read the label and tell me the price.',
  'Is the person smiling?',
  'Write a caption.',
  'How many chairs are there?',
  'Was steht auf dem Schild?',
  '这张图里有什么？',
]
const orders = [
  'Look up the status of order [[int:1000..9999]].',
  'Send [[person]] a message that I am late.',
  'What is the weather in [[city]] on [[weekday]]?',
  'Book a room for [[int:2..9]] people on [[weekday]].',
  'Find the latest invoice of [[company]] and forward it to [[person]].',
  'Create a ticket: [[passage]]',
  'Fix the failing test and open a pull request.',
  'Füge einen Termin am [[weekday]] hinzu.',
  'Search the web for [[topic]].',
]

export const toolUse = [
  train('tool-use/orders', asOrders(0), { structure: { toolCount: 3 } }),
  heldOut('tool-use/more-orders', asOrders(1), { structure: { toolCount: 1 } }),
]

export const vision = [
  train('vision/asks', asAsks(0), { structure: { imageCount: 1 } }),
  heldOut('vision/more-asks', asAsks(1), { structure: { imageCount: 2 } }),
]

export const longContext = [
  train(
    'long-context/documents',
    ['[[passage]]\n\nSummarize the report above.', 'Where does the contract speak of notice? [[passage]]'],
    {
      structure: { promptTokens: 12_000 },
    },
  ),
  heldOut(
    'long-context/more-documents',
    [
      'Find the contradiction between chapters two and nine. [[passage]]',
      '[[snippet]]\n\nExplain this repository.',
    ],
    {
      structure: { promptTokens: 90_000 },
    },
  ),
]

function asOrders(parity: number): string[] {
  return orders.filter((_, i) => i % 2 === parity)
}

function asAsks(parity: number): string[] {
  return asks.filter((_, i) => i % 2 === parity).flatMap((ask) => [ask, `[[opening]]${ask}[[closing]]`])
}
