import { trimEndOf } from "@stackyard/core";
import { toSafeLink } from "./safe-text.ts";

/** A part of a text; with an address, it is a link. */
export interface TextPart {
  readonly text: string;
  readonly href?: string;
}

/** Returns the parts of a text around its http and https addresses. Together they are the text. */
export function splitLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(/https?:\/\/[^\s<>"'`|\\^{}]+/gi)) {
    const address = trimEnd(found);
    const url = toSafeLink(address);
    if (url === undefined) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push({ text: address, href: url.href });
    end = index + address.length;
  }
  return end === 0 ? [{ text }] : [...parts, ...(end < text.length ? [{ text: text.slice(end) }] : [])];
}

const MARKS = ".,;:!?";

/** Leaves out what ends a sentence rather than an address, such as the bracket around it. */
function trimEnd(found: string): string {
  // Neither takes an opening bracket away, so that one look for it is enough.
  return trimEndOf(found, /[([]/.test(found) ? MARKS : `${MARKS})]`);
}
