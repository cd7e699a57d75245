const QUICK = /^(?:-[vVh]|--version|--help|version|help|completion|__complete)$/;

/** Returns false for words to which the table of commands alone has no answer: what has one need not be read for them. */
export function mayBeQuick(words: readonly string[]): boolean {
  return words.some((word) => QUICK.test(word));
}
