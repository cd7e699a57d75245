import type { FleetInstanceReport } from "./fleet-report.ts";

/** Of the instances' part of a page; the record as a whole stays below 200 KiB. */
export const MAX_PAGE_BYTES = 190 * 1024;

/** How much of each text is kept, tried in this order; SSM shows 24,000 characters of one and 8,000 of the other. */
const TAILS: readonly number[] = [24_000, 8_000, 4_000, 2_000, 1_000, 400, 0];

/** The instances of a page with their texts cut until they fit: all to the same length, which keeps the ends. */
export function fitPage(instances: readonly FleetInstanceReport[]): readonly FleetInstanceReport[] {
  for (const tail of TAILS) {
    const fitted = instances.map((instance) => cutTexts(instance, tail));
    if (byteLengthOf(fitted) <= MAX_PAGE_BYTES) return fitted;
  }
  // Only roles and links are left; the links go first, because SSM's console has them too.
  return instances.map((instance) => ({ ...cutTexts(instance, 0), links: {} }));
}

function cutTexts(instance: FleetInstanceReport, tail: number): FleetInstanceReport {
  const { stdoutTail = "", stderrTail = "" } = instance;
  if (stdoutTail.length <= tail && stderrTail.length <= tail) return instance;
  return { ...instance, stdoutTail: toTail(stdoutTail, tail), stderrTail: toTail(stderrTail, tail), cut: true };
}

/** The end of a text, not beginning in the middle of a character. */
function toTail(text: string, length: number): string {
  if (text.length <= length) return text;
  const start = text.length - length;
  return text.slice(isLowSurrogate(text.charCodeAt(start)) ? start + 1 : start);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function byteLengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
