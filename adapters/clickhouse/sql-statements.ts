/** Cuts a migration file into the single statements that ClickHouse takes one at a time. */

/** What may hold a `;` that ends nothing: quoted text (with `\` escapes and doubled quotes), comments. */
const TOKEN =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|--[^\n]*|\/\*[\s\S]*?\*\/|;|[^'"`;/-]+|[\s\S]/g

/**
 * The statements of `sql` in order, without the `;` that ends each, and without comments. Text after the last `;` is a
 * statement too; empty ones are left out.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let current = ''
  const finish = (): void => {
    const statement = current.trim()
    if (statement !== '') statements.push(statement)
    current = ''
  }
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === ';') finish()
    else if (token.startsWith('--') || token.startsWith('/*')) current += ' '
    else current += token
  }
  finish()
  return statements
}
