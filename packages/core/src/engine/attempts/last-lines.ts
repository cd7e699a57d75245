import type { Failed } from "../../ports/executor.ts";

/** Returns the end of the log of a failure: its code, and what of its message the log does not contain yet. */
export function toLastLines({ code, message }: Failed, outcome: string, log: string): string {
  const unsaid = message.split("\n\n").flatMap((part) => (log.includes(part) ? [] : [omitQuotedEnd(part, log)]));
  // The event of a cancel contains no code or message.
  const how = outcome === "cancelled" ? "It ended after the cancel." : "It failed.";
  return unsaid.length === 0 ? `${how} ${code}` : `${how} ${code}: ${unsaid.join("\n")}`;
}

/**
 * Returns the text without the lines at its end that the log contains, in this order: a program that exits is reported
 * with its last output, which is logged already. A bracket alone is kept.
 */
function omitQuotedEnd(text: string, log: string): string {
  const lines = text.split("\n");
  const toEnd = (start: number) => lines.slice(start).join("\n");
  const logged = `\n${log}\n`;
  // A log that contains an end of the text contains each shorter one.
  let [start, known] = [1, lines.length];
  while (start < known) {
    const middle = Math.floor((start + known) / 2);
    if (logged.includes(`\n${toEnd(middle)}\n`)) known = middle;
    else start = middle + 1;
  }
  return /\w/.test(toEnd(start)) ? lines.slice(0, start).join("\n") : text;
}
