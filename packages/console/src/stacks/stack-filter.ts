import type { MainCondition, StackCondition, StackFilter, StackSort } from "@stackyard/sdk";
import { NO_JOBS } from "../api/use-main-conditions.ts";
import type { Search } from "../design/links.tsx";
import { CONDITIONS } from "../design/mark.tsx";
import { PERSON } from "./load-needing-person.ts";

/** The parts of the address that choose stacks, and how a person calls them. */
export const FILTER_NAMES = {
  text: "id contains",
  is: "condition",
  condition: "has condition",
  machine: "machine",
  state: "state",
  task: "failed task",
  code: "failure code",
  prefix: "id begins with",
  revision: "revision",
  metadata: "metadata",
} as const;

/** A part of the address that chooses stacks. */
export type FilterName = keyof typeof FILTER_NAMES;

/** The orders of stacks, in words. */
export const SORT_WORDS: Readonly<Record<StackSort, string>> = {
  id: "id",
  "-id": "id, last first",
  createdAt: "created, oldest first",
  "-createdAt": "created, newest first",
  updatedAt: "changed, oldest first",
  "-updatedAt": "changed, newest first",
  enteredAt: "in state, longest first",
  "-enteredAt": "in state, shortest first",
};

/** The words of conditions: the filters of older addresses. */
export const CONDITION_WORDS: Readonly<Record<StackCondition, string>> = {
  failed: "Failed",
  degraded: "Degraded",
  stalled: "Stalled",
  overdue: "Overdue",
  approval: "Approval",
  busy: "Busy",
  waiting: "Waiting",
};

/** The name in the address for failures without a code. */
export const NO_CODE = "none";

const MAX_METADATA = 5;

/** Returns the filter that an address describes, of stacks without jobs. Unknown values are left to the server, which explains them. */
export function toStackFilter(search: Search): Omit<StackFilter, "waiting"> {
  const { text, machine, state, task, code, prefix, revision } = search;
  const condition = toCondition(search["condition"]);
  const mainCondition = toMainCondition(search["is"]);
  const metadata = parseMetadata(search["metadata"]);
  return {
    ...NO_JOBS,
    ...(text && { text }),
    ...(condition && { condition }),
    ...(mainCondition && { mainCondition }),
    ...(machine && { machine }),
    ...(state && { state }),
    ...(task && { task }),
    ...(code && { code: code === NO_CODE ? "" : code }),
    ...(prefix && { idPrefix: prefix }),
    ...(revision && { revision }),
    ...(metadata && { metadata }),
  };
}

function toCondition(text: string | undefined): StackCondition | undefined {
  return text !== undefined && Object.hasOwn(CONDITION_WORDS, text) ? (text as StackCondition) : undefined;
}

function toMainCondition(text: string | undefined): MainCondition | undefined {
  return CONDITIONS.find((condition) => condition === text);
}

/** Returns the order of the address, by default by id. */
export function toSort(text: string | undefined): StackSort {
  return text !== undefined && Object.hasOwn(SORT_WORDS, text) ? (text as StackSort) : "id";
}

/** Parses `owner=ada,sha=4f1c`: texts, as most metadata is; `true`, `false`, `null` and numbers as in JSON, quotes make a text. */
export function parseMetadata(text: string | undefined): StackFilter["metadata"] {
  const pairs = (text ?? "")
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair.includes("="))
    .slice(0, MAX_METADATA)
    .map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), parseValue(pair.slice(at + 1).trim())] as const;
    });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

function parseValue(text: string): string | number | boolean | null {
  if (!/^(?:true|false|null|-?\d+(?:\.\d+)?|".*")$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns the filters of an address in words: `condition failed, state BUILD`. */
export function formatFilters(search: Search): string {
  return Object.entries(FILTER_NAMES)
    .flatMap(([name, word]) => {
      if (name === "is" && search["is"] === PERSON) return ["needing attention"];
      const value = search[name];
      if (!value) return [];
      // A part of a name is no word of the sentence.
      return [`${word} ${name === "text" || name === "prefix" ? JSON.stringify(value) : value}`];
    })
    .join(", ");
}

const MAX_COLUMNS = 3;

/** Returns the metadata columns: those of the address, else the three keys that most stacks have. */
export function chooseColumns(
  chosen: string | undefined,
  stacks: readonly { readonly metadata: Readonly<Record<string, unknown>> }[],
): readonly string[] {
  const named = (chosen ?? "").split(",").filter((key) => key !== "");
  if (named.length > 0) return named.slice(0, MAX_COLUMNS);
  const counts = new Map<string, number>();
  for (const key of stacks.flatMap(({ metadata }) => Object.keys(metadata)))
    counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .sort(([a, most], [b, other]) => other - most || (a < b ? -1 : 1))
    .slice(0, MAX_COLUMNS)
    .map(([key]) => key);
}
