/**
 * Characters that people do not see and models read: controls, formats such as those of direction and the tags of
 * U+E0000, variation selectors, private ones, and letters without a shape. Tabs, line ends and the selector of colored
 * emoji stay.
 */
const HIDDEN = /(?![\n\t]|\ufe0f)[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;

/** Returns a text in which hidden characters are written out, such as `\u{200b}`. */
export function toVisibleText(text: string): string {
  return text.toWellFormed().replaceAll(HIDDEN, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
}

/** Returns a JSON value whose texts and keys have no hidden characters. */
export function toVisible(value: unknown): unknown {
  if (typeof value === "string") return toVisibleText(value);
  if (Array.isArray(value)) return value.map(toVisible);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [toVisibleText(key), toVisible(each)]));
}
