import type { ResourceChange } from "./plan-document.ts";

/** A resource that differs from the state or the configuration. Contains no values: they may be sensitive. */
export interface Difference {
  readonly address: string;
  /** Names of top-level attributes; empty when the resource was deleted. */
  readonly attributes: readonly string[];
}

/** More lines add no information. */
const MAX_LISTED = 50;

/** Formats one line for each resource: its address, and the names of the changed attributes. */
export function formatDifferences(found: readonly Difference[]): readonly string[] {
  const lines = found.slice(0, MAX_LISTED).map(({ address, attributes }) => {
    return attributes.length === 0 ? `${address}: deleted` : `${address}: ${attributes.join(", ")}`;
  });
  return found.length > MAX_LISTED ? [...lines, `and ${found.length - MAX_LISTED} more`] : lines;
}

/**
 * Returns which attributes a plan would change in resources that exist. An attribute that is only known after the apply
 * follows from the others, so it is left out where there are others.
 */
export function findDifferences(changes: readonly ResourceChange[]): readonly Difference[] {
  return changes.flatMap(({ address, changedAttributes, unknown }) => {
    const known = changedAttributes.filter((name) => Object(unknown)[name] !== true);
    const attributes = known.length > 0 ? known : changedAttributes;
    return attributes.length === 0 ? [] : [{ address, attributes }];
  });
}
