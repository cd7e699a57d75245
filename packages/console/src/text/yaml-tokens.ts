/** A piece of a line of YAML, and what it is; undefined: neither a key nor one of the scalars that are drawn in a color. */
export interface YamlToken {
  readonly kind: "key" | "string" | "literal" | "comment" | undefined;
  readonly text: string;
}

const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/.source;
/** What precedes a scalar: the begin of the line, a space, or a bracket. */
const BEFORE = /(?<=^|[\s[{(,])/.source;
/** What follows one. */
const AFTER = /(?=$|[\s\]},])/.source;
const COLON = /(?= {0,8}:(?:$|\s))/.source;

const TOKEN = new RegExp(
  [
    `(?<comment>${/(?<=^|\s)#.*$/.source})`,
    `(?<key>${BEFORE}(?:${QUOTED}|[\\w$./-]+)${COLON})`,
    `(?<string>${BEFORE}(?:${QUOTED})${AFTER})`,
    `(?<literal>${BEFORE}(?:true|false|null|~|-?\\d+(?:\\.\\d+)?)${AFTER})`,
  ].join("|"),
  "g",
);

/**
 * Splits a line of YAML into pieces for colors. It reads each line alone, which is enough to read by: a text over several lines
 * is drawn as plain words, or as keys where its lines look so.
 */
export function toYamlTokens(line: string): readonly YamlToken[] {
  const tokens: YamlToken[] = [];
  let end = 0;
  for (const { 0: text, index, groups = {} } of line.matchAll(TOKEN)) {
    if (index > end) tokens.push({ kind: undefined, text: line.slice(end, index) });
    const kind = KINDS.find((each) => groups[each] !== undefined);
    tokens.push({ kind, text });
    end = index + text.length;
  }
  if (end < line.length) tokens.push({ kind: undefined, text: line.slice(end) });
  return tokens;
}

const KINDS = ["comment", "key", "string", "literal"] as const;
