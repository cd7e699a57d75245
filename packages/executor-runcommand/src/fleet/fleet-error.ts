import { findAwsFault, redactText, toAwsError } from "@stackyard/aws";
import { isStackyardError } from "@stackyard/core";

/** Why something could not be done, under a code, with secrets masked. */
export interface FleetFailure {
  readonly kind: "failed";
  readonly code: string;
  readonly message: string;
}

/** A failure that is thrown: the code is what the pipeline is told. */
export class FleetError extends Error {
  readonly code: string;

  constructor({ code, message }: Omit<FleetFailure, "kind">, options?: ErrorOptions) {
    super(message, options);
    this.name = "FleetError";
    this.code = code;
  }
}

/** A failure as a value. */
export function toFailed(code: string, message: string): FleetFailure {
  return { kind: "failed", code, message };
}

/** Whatever was thrown, as people and pipelines are told it: never with credentials, signatures or a stack. */
export function toFleetFailure(error: unknown): FleetFailure {
  if (error instanceof FleetError || isStackyardError(error)) return toFailed(error.code, redactText(error.message));
  const { code, name } = findAwsFault(error);
  // What never came from AWS is a fault of ours, and its text says more than any advice.
  if (code === "INTERNAL") return toFailed(code, redactText(error instanceof Error ? error.message : String(error)));
  return toFailed(code, toAwsError(error, `AWS refused a call${name === undefined ? "" : ` with ${name}`}.`).message);
}
