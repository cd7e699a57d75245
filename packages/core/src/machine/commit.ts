import { type Static, Type } from "typebox";
import { isMap } from "./json.ts";
import { MAX_NAME } from "./limits.ts";

/** A commit in full: SHA-1 or SHA-256. */
const COMMIT_ID = "^[0-9a-f]{40}(?:[0-9a-f]{24})?$";

/** The commit that an event brings, as its sender states. */
export const BroughtCommit = Type.Object(
  {
    id: Type.String({ pattern: COMMIT_ID }),
    key: Type.String({
      minLength: 1,
      maxLength: MAX_NAME,
      description: "The metadata key of the stack whose value says which commit it has.",
    }),
  },
  { description: "The commit that the event brings." },
);
export type BroughtCommit = Static<typeof BroughtCommit>;

/**
 * What has become of a commit in a stack, by the deed that has set its value. `noted`: nothing was done with it. `replaced`:
 * another one has taken its place before its work had ended.
 */
export const CommitVerdict = Type.Object({
  id: Type.Optional(Type.String({ description: "Missing: nothing has stated the commit of the value." })),
  value: Type.String({ description: "The digest of the value of its key." }),
  is: Type.Enum(["open", "failed", "noted", "done", "replaced"]),
  lack: Type.Optional(
    Type.Object(
      { task: Type.String(), why: Type.Enum(["failed", "cancelled", "partial", "left", "before"]) },
      { description: "Why it has failed. Missing, too: the stack is stalled or overdue." },
    ),
  ),
});
export type CommitVerdict = Static<typeof CommitVerdict>;

const id = new RegExp(COMMIT_ID);

/** Returns a value that is a commit in full. */
export function toCommitId(value: unknown): string | undefined {
  return typeof value === "string" && id.test(value) ? value : undefined;
}

/** Returns the commit of a message. The predecessor's senders may use the key for something else. */
export function toBroughtCommit(value: unknown): BroughtCommit | undefined {
  if (!isMap(value)) return undefined;
  const { key } = value;
  const commit = toCommitId(value["id"]);
  const isKey = typeof key === "string" && key.length > 0 && key.length <= MAX_NAME;
  return commit !== undefined && isKey ? { id: commit, key } : undefined;
}
