import { cutMiddle, cutText } from "@stackyard/core";

/** Characters of a word of the user that an error repeats. */
const MOST_WORD = 200;
/** Characters of a usage error, which may repeat words in another form, such as quoted as JSON. */
const MOST_USAGE = 2_000;

/** Returns the text of an error in which no word of the command line stands longer than 200 characters. */
export function cutWords(text: string, code: string, words: readonly string[]): string {
  const long = words.flatMap(toParts).filter((part) => part.length > MOST_WORD);
  const short = long.reduce((said, part) => said.replaceAll(part, () => cutText(part, MOST_WORD)), text);
  return code === "USAGE" ? cutMiddle(short, MOST_USAGE, " … ") : short;
}

/** Returns a word and, of `--option=value`, the value. */
function toParts(word: string): readonly string[] {
  const at = word.startsWith("-") ? word.indexOf("=") : -1;
  return at === -1 ? [word] : [word, word.slice(at + 1)];
}
