import { StackyardError, unlessAborted } from "@stackyard/core";
import type { Hono } from "hono";
import { HttpError } from "./problem.ts";

/** Throws `TIMED_OUT` when the answer takes longer than the limit. */
export function answerBefore(limit: AbortSignal, answer: Promise<Response>): Promise<Response> {
  return unlessAborted(answer, limit, () => new StackyardError("TIMED_OUT", "The request took too long."));
}

/** Answers 405 to all methods of a path but those of these routes, which are mounted before. */
export function refuseOthers(app: Hono, path: string, sharing: readonly { readonly method: string }[]): void {
  app.all(path, () => {
    throw toMethodError(sharing.map(({ method }) => method));
  });
}

/** Returns the error for a method that a path does not have. */
export function toMethodError(methods: readonly string[]): HttpError {
  const allow = methods.join(", ");
  return new HttpError(405, "USAGE", `Method not allowed. Use ${allow}.`, { details: { allow } });
}
