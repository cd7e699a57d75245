// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
/** A piece of a template string. */
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly source: string; readonly offset: number }
  /** A `${` without its `}`; nothing comes behind it. */
  | { readonly kind: "unterminated"; readonly offset: number };

/**
 * Splits a string into its parts, from left to right; `$${` is matched first and results in the text `${`. An
 * expression ends at the first `}` that is neither in a string or comment of CEL nor closes a `{` of a map.
 */
export function splitTemplate(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = "";
  let at = 0;
  for (const { index, 0: mark } of template.matchAll(/\$?\$\{/g)) {
    if (index < at) continue;
    text += template.slice(at, index);
    at = index + mark.length;
    if (mark === "$${") {
      text += "${";
      continue;
    }
    const end = findEnd(template, at);
    if (text !== "") parts.push({ kind: "text", text });
    if (end < 0) return [...parts, { kind: "unterminated", offset: index }];
    parts.push({ kind: "expression", source: template.slice(at, end), offset: at });
    text = "";
    at = end + 1;
  }
  text += template.slice(at);
  return text === "" ? parts : [...parts, { kind: "text", text }];
}

/** Returns true when a text contains `${…}`, also a broken one; `$${` does not count. */
export function hasExpression(text: string): boolean {
  return splitTemplate(text).some(({ kind }) => kind !== "text");
}

// Everything that may contain a brace that does not count, else one character. Sticky, so that no text is read twice.
const TOKEN =
  /'''(?:\\[\s\S]|(?!''')[^\\])*'''|"""(?:\\[\s\S]|(?!""")[^\\])*"""|'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|\/\/[^\n]*|[\s\S]/y;
const DEPTH: Readonly<Record<string, number>> = { "{": 1, "}": -1 };

// Nothing after an unclosed quote is an expression.
function findEnd(template: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < template.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(template)?.[0] ?? "'";
    if (token === "'" || token === '"') return -1;
    depth += DEPTH[token] ?? 0;
    if (depth < 0) return at;
    at += token.length;
  }
  return -1;
}

/** Escapes a text for a template: each `${` becomes `$${`. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("${", () => "$${");
}
