import type { TLocalizedValidationError } from "typebox/error";

const FAULTS_SHOWN = 5;

/** What is wrong with a value that came from outside, by place and without values. */
export function tellFaults(errors: readonly TLocalizedValidationError[]): string {
  const shown = errors.slice(0, FAULTS_SHOWN);
  return shown.map(({ instancePath, message }) => `${instancePath || "/"} ${message}`).join("; ");
}
