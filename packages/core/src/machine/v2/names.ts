import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import { SYSTEM_EVENTS } from "../message/event.ts";

/** What names of events and states look like, as the text of a regular expression without its anchors. */
export const NAME = "[A-Z0-9][A-Z0-9_-]{0,62}";

/** Names that no event may have: the engine sends events of that name itself, or operators do. */
export const RESERVED_EVENTS: readonly string[] = [NEXT, FAILED, TIMEOUT, ...Object.values(SYSTEM_EVENTS)];

const WHOLE_NAME = new RegExp(`^${NAME}$`);

/** True for names that events and states of version 2 may have. */
export function isName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** True for the names of `RESERVED_EVENTS`. */
export function isReserved(name: string): boolean {
  return RESERVED_EVENTS.includes(name);
}

/** What is wrong with a name that `isName` refuses. */
export function explainName(name: string): string {
  if (name === "") return "It is empty.";
  if (name.length > 63) return `It has ${name.length} characters; 63 are allowed.`;
  const proposal = name
    .toUpperCase()
    .replaceAll(/[\s.]+/g, "-")
    .replace(/^[_-]+/, "");
  const rule = "Only capitals, digits, underscores and hyphens are allowed, with a capital or digit first.";
  return isName(proposal) ? `${rule} Write ${JSON.stringify(proposal)}.` : rule;
}
