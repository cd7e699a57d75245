import { setBlockScalar, toBlockScalar } from "./block-scalar.ts";
import { replaceValue } from "./insert.ts";
import { type Change, EditRefused, type Path, type Plain } from "./operation.ts";
import { type Quote, renderScalar } from "./render.ts";
import { entryAt, itemAt, type ScalarItem, type Source } from "./source.ts";

const QUOTES: Readonly<Record<string, Quote>> = { QUOTE_DOUBLE: "double", QUOTE_SINGLE: "single" };

/** Writes another scalar in the place of one, quoted as that was. */
export function setScalar(source: Source, path: Path, value: Plain, expression: boolean): readonly Change[] {
  const item = itemAt(source, path);
  if (item?.kind !== "scalar" || item.range.from === item.range.to) {
    return replaceValue(source, path, value);
  }
  if (expression) return setExpression(source, item, String(value));
  const block = toBlockScalar(item);
  if (block !== undefined) {
    return (typeof value === "string" && setBlockScalar(source, block, value)) || replaceValue(source, path, value);
  }
  const quote = QUOTES[item.node?.type ?? ""] ?? "plain";
  return [{ ...item.range, insert: renderScalar(value as string, quote) }];
}

/** Changes only the characters that differ, where the text is written as read. */
function setExpression({ text }: Source, item: ScalarItem, value: string): readonly Change[] {
  const { from, to } = item.range;
  const quote = QUOTES[item.node?.type ?? ""];
  const [start, end] = quote === undefined ? [from, to] : [from + 1, to - 1];
  const old = String(item.value);
  if (toBlockScalar(item) !== undefined || text.slice(start, end) !== old) {
    const message = "The expression is written with escapes or over several lines, where no name is changed.";
    throw new EditRefused("edit-escaped", message, { place: item.range });
  }
  const [head, tail] = commonEnds(old, value);
  const inner = value.slice(head, value.length - tail);
  const isSafe = quote === "double" || (quote === "single" ? !inner.includes("'") : /^[\w./ -]*$/.test(inner));
  if (isSafe) return [{ from: start + head, to: end - tail, insert: inner }];
  return [{ from, to, insert: renderScalar(value, quote ?? "plain") }];
}

function commonEnds(a: string, b: string): readonly [number, number] {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  return [head, tail];
}

/** Writes another key in the place of one, quoted as that was. */
export function renameKey(source: Source, path: Path, to: string): readonly Change[] {
  const entry = entryAt(source, path);
  if (entry === undefined) throw new EditRefused("edit-missing", `The document has no ${path.join(".")}.`);
  return [{ ...entry.keyRange, insert: renderScalar(to, QUOTES[entry.keyNode.type ?? ""] ?? "plain") }];
}
