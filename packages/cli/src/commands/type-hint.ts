import { toShellWord } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/sdk";

const NOT_TEXT = /^The metadata key "([^"]+)" must be a (number|boolean), not a string/;

/** Returns how to write a value that is declared as a number or boolean: the words of a shell are texts. */
export function findTypeHint({ code, reason = "" }: Pick<HistoryEntry, "code" | "reason">): string | undefined {
  const [, key, type] = NOT_TEXT.exec(reason) ?? [];
  if (code !== "METADATA_INVALID" || key === undefined) return undefined;
  return `Write \`--metadata ${toShellWord(key)}:=${type === "number" ? "1" : "true"}\` for a ${type}: \`=\` makes a text.`;
}
