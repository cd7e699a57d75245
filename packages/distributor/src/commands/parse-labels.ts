import { usage } from "./open-distributor.ts";

/** Labels as words of a command line, `key=value` each. Throws `USAGE`. */
export function parseLabels(words: readonly string[] = []): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const [key, value] = [word.slice(0, Math.max(0, at)), word.slice(at + 1)];
    const said = JSON.stringify(word.slice(0, 400));
    if (at < 1 || !/^\P{Cc}{0,256}$/u.test(value)) {
      throw usage(`--label ${said} is no key=value of one line, such as commit=4f1c9d2.`);
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/.test(key)) {
      throw usage(
        `The key of --label ${said} must be letters, digits, dots, -, _ and /, at most 64, the first a letter or digit.`,
      );
    }
    if (labels.has(key)) throw usage(`The label "${key}" is given twice.`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}
