/** Returns a text as one word of a shell, for commands that people copy: names may have blanks, quotes and `$`. */
export function toShellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
