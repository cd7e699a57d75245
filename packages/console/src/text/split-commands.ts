/** A sentence of the server, and the commands that it names. */
export interface SplitCommands {
  /** The sentence without what only says that a command exists. */
  readonly words: string;
  readonly commands: readonly string[];
}

const COMMAND = /`(stackyard [^`]+)`/g;
const IN_SENTENCE = /(?: with)? `stackyard [^`]+`/g;

/** The command that lists the parts of a task, in its report. */
const LISTED_BY = / Which: (stackyard [^()]+?)(?=\.?(?: \(|\. |$))/g;

/** When the engine polls next: nothing that a reader waits for. */
const NEXT_POLL = / \(checked again in [^()]*\)/g;

/**
 * Separates the commands of a terminal from a sentence: a page has buttons, so commands are for those who want them. When
 * the engine polls next is left out.
 */
export function splitCommands(sentence: string): SplitCommands {
  const text = sentence.replace(NEXT_POLL, "").replace(LISTED_BY, " `$1`.");
  const commands = [...text.matchAll(COMMAND)].flatMap(([, command]) => command ?? []);
  if (commands.length === 0) return { words: text, commands };
  const words = text
    .split(/(?<=\.) /)
    .flatMap((sentence) => {
      const clauses = sentence.split("; ").filter((clause) => !clause.startsWith("`stackyard "));
      if (clauses.length === 0) return [];
      const kept = clauses.join("; ").replaceAll(IN_SENTENCE, "");
      return /[.:)]$/.test(kept) ? [kept] : [`${kept}.`];
    })
    .join(" ");
  return { words, commands };
}
