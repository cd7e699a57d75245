import type { MachineDetails, MetadataValue, StackDetails } from "@stackyard/sdk";

type Rules = NonNullable<MachineDetails["metadata"]>;

/** A metadata key of an event's form. */
export type EventField = Rules["keys"][number] & { readonly needed: boolean };

/** Returns the events of a machine: first those that the state handles. Reserved ones are never sent by people. */
export function listEvents(
  { events, states }: Pick<MachineDetails, "events" | "states">,
  state: string,
): { readonly handled: readonly string[]; readonly others: readonly string[] } {
  const { on = [] } = states.find(({ name }) => name === state) ?? {};
  return {
    handled: events.filter((event) => on.includes(event)),
    others: events.filter((event) => !on.includes(event)),
  };
}

/** Returns the keys that an event may bring, those that it must bring first. Keys that it may not change are left out. */
export function listFields(
  rules: Rules | undefined,
  event: string,
  { metadata }: Pick<StackDetails, "metadata">,
): readonly EventField[] {
  const needed = Object.hasOwn(rules?.requiredBy ?? {}, event) ? (rules?.requiredBy[event] ?? []) : [];
  const known = rules?.keys ?? [];
  const free = needed.flatMap((name): Rules["keys"][number][] =>
    known.some((key) => key.name === name) ? [] : [{ name }],
  );
  return [...known, ...free]
    .filter(({ readOnly }) => readOnly !== true)
    .filter(({ name, immutable }) => needed.includes(name) || !(immutable && Object.hasOwn(metadata, name)))
    .map((key) => ({ ...key, needed: needed.includes(key.name) }))
    .toSorted((a, b) => Number(b.needed) - Number(a.needed));
}

/**
 * Returns the metadata of a form: values that were there at first and have not been edited as they were, those of edited fields, and none of
 * a field that is empty.
 */
export function toEventMetadata(
  fields: readonly EventField[],
  edited: Readonly<Record<string, string>>,
  first: Readonly<Record<string, MetadataValue>> = {},
): Readonly<Record<string, MetadataValue>> {
  const kept = Object.entries(first).filter(([name]) => !Object.hasOwn(edited, name));
  const entries = fields.flatMap((field): [string, MetadataValue][] => {
    const text = edited[field.name] ?? "";
    return text === "" ? [] : [[field.name, toValue(field, text)]];
  });
  return Object.fromEntries([...kept, ...entries]);
}

/** Returns the texts of the fields of a form: as they were edited, else of the values that were there at first. */
export function toTexts(
  edited: Readonly<Record<string, string>>,
  first: Readonly<Record<string, MetadataValue>>,
): Readonly<Record<string, string>> {
  return { ...Object.fromEntries(Object.entries(first).map(([name, value]) => [name, `${value ?? ""}`])), ...edited };
}

function toValue({ type, enum: choices }: EventField, text: string): MetadataValue {
  const choice = choices?.find((value) => String(value) === text);
  if (choice !== undefined) return choice;
  if (type === "number") return Number(text);
  return type === "boolean" ? text === "true" : text;
}

/** Returns what is wrong with a filled form, or undefined. The server checks the rest. */
export function findFieldRefusal(
  fields: readonly EventField[],
  texts: Readonly<Record<string, string>>,
): string | undefined {
  for (const field of fields) {
    const text = texts[field.name] ?? "";
    const refusal = text === "" ? undefined : findNumberRefusal(field, Number(text));
    if (field.needed && text === "") return `Enter ${field.name} first`;
    if (refusal !== undefined) return `${field.name} must be ${refusal}`;
  }
  return undefined;
}

function findNumberRefusal({ type, minimum, maximum }: EventField, number: number): string | undefined {
  if (type !== "number") return undefined;
  if (!Number.isFinite(number)) return "a number";
  if (minimum !== undefined && number < minimum) return `at least ${minimum}`;
  return maximum !== undefined && number > maximum ? `at most ${maximum}` : undefined;
}
