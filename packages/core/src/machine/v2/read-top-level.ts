import { adviseTopLevel } from "../document/check-keys.ts";
import { type CompileContext, onKey, onValue, suggestOrList } from "../document/compile-context.ts";
import { type Field, findField, findText, type MapNode, toFields } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { Machine } from "../machine.ts";

const KEYS = [
  "version",
  "description",
  "events",
  "metadata",
  "additionalMetadata",
  "targets",
  "revision",
  "states",
  "tasks",
];

/** Refuses keys that a machine of version 2 does not have. */
export function checkTopLevel({ problems }: CompileContext, root: Field<MapNode>): void {
  for (const [key, field] of toFields(root)) {
    if (KEYS.includes(key) || key.startsWith("x-")) continue;
    const message = `${quote(key)} is no key of a machine.${adviseTopLevel(key, KEYS)}`;
    problems.error("top-level-unknown-key", onKey(field), message);
  }
}

const REVISIONS = ["pin", "follow"] as const;

/** Whether stacks keep the revision that they were created with, or follow the newest. */
export function readRevision({ problems }: CompileContext, root: Field<MapNode>): Machine["revision"] {
  const field = findField(root, "revision");
  if (field === undefined) return "pin";
  const name = findText(field);
  const revision = REVISIONS.find((known) => known === name);
  if (revision === undefined) {
    const near = suggestOrList(name ?? "", REVISIONS);
    problems.error("revision-unknown", onValue(field), `revision cannot be ${describe(field.node)}.${near}`);
  }
  return revision ?? "pin";
}
