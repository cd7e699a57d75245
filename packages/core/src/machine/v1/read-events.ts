import { ADVICE_TO_UPGRADE } from "../document/check-keys.ts";
import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findText, isListField, isMapField, toItems } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { NEXT } from "../machine.ts";

const NAME = /^[A-Z0-9-]+$/;

/** True for names that events and states may have: capitals, digits and hyphens. */
export function isUpperName(name: string): boolean {
  return NAME.test(name);
}

/** What is wrong with a name that `isUpperName` refuses. */
export function explainUpperName(name: string): string {
  if (name === "") return "It is empty.";
  const proposal = name.toUpperCase().replaceAll(/[\s_.]+/g, "-");
  const example = isUpperName(proposal) ? ` Write ${quote(proposal)}.` : "";
  return `Only capitals, digits and hyphens are allowed.${example}`;
}

/**
 * Declared events by name. Misspelt ones are in it too, so that one fault is not told again wherever the event is used.
 * Undefined when there is no list to go by.
 */
export function readEvents(context: CompileContext, events: Field): ReadonlyMap<string, Field> | undefined {
  if (!isListField(events)) {
    const advice = isMapField(events) ? ADVICE_TO_UPGRADE : " Without events write [].";
    const message = `events must be a list of names, but it is ${describe(events.node)}.${advice}`;
    context.problems.error("events-not-list", onValue(events), message);
    return undefined;
  }
  const declared = new Map<string, Field>();
  for (const item of toItems(events)) readEvent(context, item, declared);
  return declared;
}

function readEvent({ problems }: CompileContext, item: Field, declared: Map<string, Field>): void {
  const name = findText(item);
  if (name === undefined) {
    const hint = item.node.kind === "scalar" && item.node.value !== null ? " Write it in quotes." : "";
    problems.error(
      "event-not-string",
      onValue(item),
      `An event must be a name, but this is ${describe(item.node)}.${hint}`,
    );
  } else if (name === NEXT) {
    problems.error(
      "event-reserved",
      onValue(item),
      "NEXT is reserved: the engine sends it itself. Remove it from events.",
    );
  } else if (declared.has(name)) {
    problems.error("event-duplicate", onValue(item), `The event ${quote(name)} is declared twice.`);
  } else {
    declared.set(name, item);
    if (isUpperName(name)) return;
    problems.error("event-name-pattern", onValue(item), `${quote(name)} is no event name. ${explainUpperName(name)}`);
  }
}
