import { StackyardError } from "@stackyard/core";

/** Labels as words of a command line, `key=value` each. Throws `USAGE`. */
export function parseLabels(words: readonly string[] = []): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const [key, value] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)];
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/.test(key) || !/^\P{Cc}{0,256}$/u.test(value)) {
      const said = JSON.stringify(word.slice(0, 400));
      throw new StackyardError("USAGE", `--label ${said} is no key=value of one line, such as commit=4f1c9d2.`);
    }
    if (labels.has(key)) throw new StackyardError("USAGE", `The label "${key}" is given twice.`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}
