import type { StackSummary } from "@stackyard/sdk";
import { FACT_KEYS } from "../api/stack-facts.ts";
import type { Search } from "../design/links.tsx";
import { chooseColumns } from "./stack-filter.ts";

/** The columns of the list of stacks after the id, and their heads. */
export const COLUMN_WORDS = {
  condition: "Condition",
  state: "State",
  since: "Since",
  failure: "Last failure",
  failedAt: "When",
  waits: "Waits",
  version: "Version",
  machine: "Machine",
  link: "Link",
  age: "Age",
  changed: "Changed",
  cost: "USD/month",
  revision: "Revision",
} as const;

/** A column that is not of metadata. */
export type ColumnName = keyof typeof COLUMN_WORDS;

/** A column: by name, or `metadata.` and a key. */
export type ColumnChoice = ColumnName | `metadata.${string}`;

const METADATA = "metadata.";
const MOST_COLUMNS = 14;
/** The room for columns: all, those that matter most, or, on a phone, two. */
export type ColumnRoom = "wide" | "middle" | "phone";

const USUAL: Readonly<Record<ColumnRoom, readonly ColumnName[]>> = {
  wide: ["condition", "state", "since", "failure", "failedAt", "version", "machine"],
  middle: ["condition", "state", "since", "failure", "version"],
  phone: ["condition", "since"],
};

/** A choice, read: a key of metadata, or a column by name. */
export type ReadColumn = { readonly key: string } | { readonly name: ColumnName };

/** Returns what a choice means. */
export function readColumn(choice: ColumnChoice): ReadColumn {
  return isColumnName(choice) ? { name: choice } : { key: choice.slice(METADATA.length) };
}

/** Returns the column of a key of metadata. */
export function toMetadataColumn(key: string): ColumnChoice {
  return `${METADATA}${key}`;
}

/** Reads columns in their order: `condition,since,metadata.team`. Keys are percent-encoded; what is unknown is left out. */
export function parseColumns(text: string | undefined): readonly ColumnChoice[] {
  const found = (text ?? "").split(",").flatMap((part): readonly ColumnChoice[] => {
    const name = part.trim();
    if (isColumnName(name)) return [name];
    const key = name.startsWith(METADATA) ? decode(name.slice(METADATA.length)) : "";
    return key === "" ? [] : [toMetadataColumn(key)];
  });
  return [...new Set(found)].slice(0, MOST_COLUMNS);
}

/** Writes columns as `parseColumns` reads them. */
export function formatColumns(columns: readonly ColumnChoice[]): string {
  return columns
    .map((column) => {
      const read = readColumn(column);
      return "name" in read ? read.name : `${METADATA}${encodeURIComponent(read.key)}`;
    })
    .join(",");
}

/**
 * Returns the columns: those of the address, else those that the person has chosen in this browser, else the usual ones with the
 * keys of metadata that most stacks have, as far as there is room. `columns` in the address names keys of metadata, as older addresses do.
 */
export function findColumns(
  search: Search,
  kept: string,
  stacks: readonly Pick<StackSummary, "metadata">[],
  room: ColumnRoom,
): readonly ColumnChoice[] {
  const ofAddress = parseColumns(search["show"]);
  if (ofAddress.length > 0) return ofAddress;
  const keys = search["columns"];
  const ofPerson = keys === undefined ? parseColumns(kept) : [];
  if (ofPerson.length > 0) return ofPerson;
  const shown = chooseColumns(keys, stacks).filter((key) => keys !== undefined || !FACT_KEYS.has(key));
  const hasRoom = room === "wide" || keys !== undefined;
  return [...USUAL[room], ...(hasRoom ? shown.map(toMetadataColumn) : [])];
}

function isColumnName(name: string): name is ColumnName {
  return Object.hasOwn(COLUMN_WORDS, name);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
