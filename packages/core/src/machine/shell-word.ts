/**
 * Returns a text as one word of a shell, for commands that people copy: names may have blanks, quotes and `$`. A word
 * that begins with `=` is the path of a program in zsh.
 */
export function toShellWord(text: string): string {
  return /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
