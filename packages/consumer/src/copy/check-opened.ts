import type { ByteRange } from "../fetch/source-answer.ts";
import type { OpenedFile } from "./artifact-source.ts";
import { toSizeMismatch } from "./measure-body.ts";

/** Stops a copy whose source announces other bytes than those that were asked for. `size`: absent where nobody has named one. */
export function checkOpened(opened: OpenedFile, size: number | undefined, range?: ByteRange): void {
  const expected = range === undefined ? size : range.to - range.from + 1;
  if (opened.length !== undefined && expected !== undefined && opened.length !== expected) {
    throw toSizeMismatch(`The source announces ${opened.length} bytes instead of ${expected}.`);
  }
  if (range === undefined) checkUnasked(opened);
  else checkPart(opened, size, range);
}

function checkPart(opened: OpenedFile, size: number | undefined, range: ByteRange): void {
  const isWhole = range.from === 0 && range.to + 1 === size && opened.range === undefined;
  if (isWhole) return;
  if (opened.range?.from !== range.from || opened.range.to !== range.to) {
    throw toSizeMismatch("The source does not send the part that was asked for.");
  }
  if (opened.range.size !== undefined && opened.range.size !== size) {
    throw toSizeMismatch(`The source has ${opened.range.size} bytes instead of ${size}.`);
  }
}

/** Without a size or a digest nothing else tells a part from the file. */
function checkUnasked({ range }: OpenedFile): void {
  if (range === undefined || (range.from === 0 && range.to + 1 === range.size)) return;
  throw toSizeMismatch("The source sends a part where the whole was asked for.");
}
