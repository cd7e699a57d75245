import { pointTo } from "./release-problem.ts";

/** What `JSON.parse` does not tell. Of a text that is no JSON it says nothing that can be relied on, but never throws. */
export interface JsonScan {
  readonly tooDeep: boolean;
  /** Pointers of members that come after one of the same name; at most 20. */
  readonly duplicates: readonly string[];
}

interface Level {
  readonly pointer: string;
  /** Of an object: the names so far. A list has none. */
  readonly names: Set<string> | undefined;
  /** The name or number of the item that is being read. */
  key: string | number;
}

interface Scan {
  readonly levels: Level[];
  readonly duplicates: string[];
  /** The token before. */
  previous: string;
}

// A text, or a character that opens, closes or parts. A text that does not end is one token: else each quote in it is a new start.
const TOKEN = /"(?:[^"\\]|\\.)*"?|[{}[\],:]/gs;

/** Looks over JSON for depth and names that are there twice. */
export function scanJson(text: string, maxDepth: number): JsonScan {
  const scan: Scan = { levels: [], duplicates: [], previous: "" };
  for (const [token] of text.matchAll(TOKEN)) {
    HANDLERS[token]?.(scan);
    if (scan.levels.length > maxDepth) return { tooDeep: true, duplicates: scan.duplicates };
    scan.previous = token;
  }
  return { tooDeep: false, duplicates: scan.duplicates };
}

const HANDLERS: Readonly<Record<string, (scan: Scan) => void>> = {
  "{": (scan) => open(scan, new Set()),
  "[": (scan) => open(scan, undefined),
  "}": ({ levels }) => void levels.pop(),
  "]": ({ levels }) => void levels.pop(),
  ",": nextItem,
  ":": noteName,
};

function open({ levels }: Scan, names: Level["names"]): void {
  const level = levels.at(-1);
  levels.push({ pointer: level ? pointTo(level.pointer, level.key) : "", names, key: names ? "" : 0 });
}

function nextItem({ levels }: Scan): void {
  const level = levels.at(-1);
  if (typeof level?.key === "number") level.key += 1;
}

function noteName({ levels, duplicates, previous }: Scan): void {
  const level = levels.at(-1);
  if (!level?.names) return;
  level.key = toName(previous);
  if (level.names.has(level.key) && duplicates.length < 20) duplicates.push(pointTo(level.pointer, level.key));
  level.names.add(level.key);
}

function toName(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
