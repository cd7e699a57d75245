import { createHash } from "node:crypto";
import { defined, isMap } from "@stackyard/core";
import type { Hook } from "./hook.ts";

/** Returns the digest of a JSON value, independent of the order of its keys and its white space. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(toCanonicalText(value)).digest("hex");
}

function toCanonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalText).join(",")}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${toCanonicalText(each)}`).join(",")}}`;
}

/** Describes the subject of a delivery for people. */
export function describeHook({ kind, action, repository, pull }: Hook, pullNumber = pull?.number) {
  const number = pullNumber === undefined ? "" : `#${pullNumber}`;
  const subject = repository && `${repository.fullName}${number}`;
  return { what: `${kind}.${action}`, ...defined({ subject }) };
}
