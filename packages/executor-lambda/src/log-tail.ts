/** Lambda sends the last 4 KB (Invoke API, LogResult); a proxy in between might not. */
const MAX_CHARS = 8_192;

/** The lines of a call's LogResult, which is base64 of UTF-8 whose first character may be cut in half. Never throws. */
export function toLogLines(logResult: string | undefined): readonly string[] {
  if (logResult === undefined) return [];
  const text = Buffer.from(logResult, "base64").toString("utf8").slice(-MAX_CHARS);
  return text
    .replace(/^\uFFFD+/, "")
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}
