import { ReleaseError } from "../release-error.ts";

/** An error as Lambda tells it to Step Functions: `errorType` is its name (Lambda guide, "Node.js function errors"). */
export function toWireError(error: unknown): Error {
  const isOurs = error instanceof ReleaseError;
  const message = error instanceof Error ? error.message : String(error);
  const told = new Error(message, { cause: error });
  told.name = isOurs ? error.errorClass : "PanicError";
  return told;
}
