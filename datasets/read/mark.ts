/** The text without the byte order mark that editors and shells of Windows begin a file with; JSON has no place for one. */
export function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text
}
