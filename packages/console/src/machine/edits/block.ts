import { hasComment } from "./insert.ts";
import { afterColon, columnOf, extentsOf, isEmpty, isFlow, isOneLine } from "./layout.ts";
import { type Change, EditRefused, type Path } from "./operation.ts";
import { type Item, itemAt, type Source } from "./source.ts";
import { findStyle } from "./style.ts";

/** Writes a flow collection over several lines in block style, and those inside it; what is on one line stays unchanged. */
export function toBlock(source: Source, path: Path): readonly Change[] {
  const item = itemAt(source, path);
  if (item === undefined || !isFlow(item) || isOneLine(source.text, item.range)) {
    throw new EditRefused("edit-missing", "There is nothing to convert.");
  }
  const { from, to } = item.range;
  if (hasComment(source.text.slice(from, to))) {
    throw new EditRefused("edit-flow", "Comments in this part would be lost.", { place: item.range });
  }
  const { step } = findStyle(source, item);
  const eol = source.text.includes("\r\n") ? "\r\n" : "\n";
  const parent = itemAt(source, path.slice(0, -1));
  const entry = parent?.kind === "map" ? parent.entries.find(({ key }) => key === path.at(-1)) : undefined;
  if (path.length === 0) return [{ from, to, insert: convert(source, item, step).join(eol) }];
  if (entry === undefined) throw new EditRefused("edit-flow", "This part cannot be converted.", { place: item.range });
  const column = columnOf(source, entry.keyNode.range?.[0] ?? 0) + step;
  const lines = convert(source, item, step).map((line) => " ".repeat(column) + line);
  return [{ from: afterColon(entry.pair), to, insert: eol + lines.join(eol) }];
}

function convert(source: Source, item: Item, step: number): readonly string[] {
  const { text } = source;
  const extents = item.kind === "scalar" ? [] : extentsOf(item);
  if (item.kind === "list") {
    return item.items.flatMap((element, index) => {
      const extent = extents[index];
      const slice = text.slice(extent?.start, extent?.end);
      if (element.alias !== undefined || !needsLines(source, element.value)) return [`- ${slice}`];
      return convert(source, element.value, step).map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`));
    });
  }
  if (item.kind === "scalar") return [];
  return (item.node?.items ?? []).flatMap((pair, index) => {
    const extent = extents[index];
    const entry = item.entries.find((each) => each.pair === pair);
    const slice = text.slice(extent?.start, extent?.end);
    if (entry === undefined || entry.alias !== undefined || !needsLines(source, entry.value)) return [slice];
    const head = text.slice(extent?.start, afterColon(pair));
    return [head, ...convert(source, entry.value, step).map((line) => " ".repeat(step) + line)];
  });
}

function needsLines({ text }: Source, item: Item): boolean {
  return isFlow(item) && !isEmpty(item) && !isOneLine(text, item.range);
}
