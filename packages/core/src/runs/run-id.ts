import { StackyardError } from "../errors/stackyard-error.ts";

const RUN_ID = /^[A-Za-z0-9-]{1,64}$/;

/** A run's id, which becomes part of keys. Throws `NOT_FOUND`: nothing can be kept under any other text. */
export function parseRunId(text: string): string {
  if (RUN_ID.test(text)) return text;
  throw new StackyardError("NOT_FOUND", "There is no such run: an id has at most 64 letters, digits and hyphens.");
}
