import type { ByteRange } from "../fetch/source-answer.ts";
import type { OpenedFile } from "./artifact-source.ts";
import { toSizeMismatch } from "./measure-body.ts";

/** Stops a copy whose source announces other bytes than those that were asked for. */
export function checkOpened(opened: OpenedFile, size: number, range?: ByteRange): void {
  const expected = range === undefined ? size : range.to - range.from + 1;
  if (opened.length !== undefined && opened.length !== expected) {
    throw toSizeMismatch(`The source announces ${opened.length} bytes instead of ${expected}.`);
  }
  if (range === undefined) return;
  const isWhole = range.from === 0 && expected === size && opened.range === undefined;
  if (isWhole) return;
  if (opened.range?.from !== range.from || opened.range.to !== range.to) {
    throw toSizeMismatch("The source does not send the part that was asked for.");
  }
  if (opened.range.size !== undefined && opened.range.size !== size) {
    throw toSizeMismatch(`The source has ${opened.range.size} bytes instead of ${size}.`);
  }
}
