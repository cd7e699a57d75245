import { hasComment } from "./insert.ts";
import { afterColon, columnOf, extentsOf, isEmpty, isFlow, isOneLine } from "./layout.ts";
import { type Change, EditRefused, type Path } from "./operation.ts";
import { entryAt, type Item, itemAt, membersOf, type Source } from "./source.ts";
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
  const entry = entryAt(source, path);
  if (path.length === 0) return [{ from, to, insert: convert(source, item, step).join(eol) }];
  if (entry === undefined) throw new EditRefused("edit-flow", "This part cannot be converted.", { place: item.range });
  const column = columnOf(source, entry.keyRange.from) + step;
  const lines = convert(source, item, step).map((line) => " ".repeat(column) + line);
  return [{ from: afterColon(entry), to, insert: eol + lines.join(eol) }];
}

function convert(source: Source, item: Item, step: number): readonly string[] {
  const { text } = source;
  const extents = extentsOf(item);
  return membersOf(item).flatMap((member, index) => {
    const extent = extents[index];
    const dash = item.kind === "list" ? "- " : "";
    if (member.alias !== undefined || !needsLines(source, member.value)) {
      return [dash + text.slice(extent?.start, extent?.end)];
    }
    const lines = convert(source, member.value, step);
    if (!("pair" in member)) return lines.map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`));
    return [text.slice(extent?.start, afterColon(member)), ...lines.map((line) => " ".repeat(step) + line)];
  });
}

function needsLines({ text }: Source, item: Item): boolean {
  return isFlow(item) && !isEmpty(item) && !isOneLine(text, item.range);
}
