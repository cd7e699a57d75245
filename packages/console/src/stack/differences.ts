import type { StackAt, StackDetails } from "@stackyard/sdk";

/** A difference between two versions of a stack. */
export interface Difference {
  readonly what: string;
  readonly before: string | undefined;
  readonly now: string | undefined;
}

type Then = NonNullable<StackAt["stack"]>;

/** Returns in what a stack of an earlier position differs from the present one. */
export function listDifferences(then: Then, now: StackDetails): readonly Difference[] {
  const tasks = (list: readonly { name: string; status: string; detail?: string }[] = []) =>
    new Map(list.map(({ name, status, detail }) => [name, detail ?? status]));
  return [
    ...compare(new Map([["State", then.state]]), new Map([["State", now.state]])),
    ...compare(tasks(then.tasks), tasks(now.tasks), "Task "),
    ...listMetadataDifferences(then, now),
  ];
}

/** Returns in which metadata a stack of an earlier position differs from the present one. */
export function listMetadataDifferences(then: Then, now: StackDetails): readonly Difference[] {
  return compare(toTexts(then.metadata ?? {}), toTexts(now.metadata));
}

function toTexts(metadata: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(metadata).map(([key, value]) => [key, toText(value)]));
}

/** Returns a value of metadata for display: texts unchanged, others as JSON. */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function compare(
  then: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  prefix = "",
): readonly Difference[] {
  return [...new Set([...then.keys(), ...now.keys()])]
    .filter((key) => then.get(key) !== now.get(key))
    .map((key) => ({ what: `${prefix}${key}`, before: then.get(key), now: now.get(key) }));
}
