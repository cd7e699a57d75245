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
  const logged = `\n${log}\n`;
  const start = lines.findIndex((_, index) => {
    const end = lines.slice(index).join("\n");
    return index > 0 && /\w/.test(end) && logged.includes(`\n${end}\n`);
  });
  return start === -1 ? text : lines.slice(0, start).join("\n");
}
