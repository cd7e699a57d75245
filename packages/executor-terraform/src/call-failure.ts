import type { ChildEnd } from "./child.ts";
import { type Diagnostic, saysLocked, toDiagnosticText } from "./diagnostic.ts";
import { TerraformFailure, type TerraformFailureCode } from "./failure.ts";
import { toHead } from "./log-tail.ts";
import type { CallEnd } from "./terraform-call.ts";

/** A failure message with everything in it; whoever stores it needs a bound. */
const MAX_MESSAGE_BYTES = 64 * 1024;

export interface FailedCall {
  /** `terraform apply`. */
  readonly command: string;
  readonly code: TerraformFailureCode;
  readonly end: CallEnd;
  readonly diagnostics: readonly Diagnostic[];
  readonly mask: (text: string) => string;
}

/** Why a call failed, for people: what the program says about the problems or, without any, the end of its output. */
export function toCallFailure({ command, code, end, diagnostics, mask }: FailedCall): TerraformFailure {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const found = toCode(code, end, errors);
  const reasons = errors.length > 0 ? errors.map(toDiagnosticText).map(mask) : [end.tail.text(MAX_MESSAGE_BYTES)];
  const text = [toFirstLine(found, command, end), ...new Set(reasons)].filter((part) => part !== "").join("\n\n");
  return new TerraformFailure(found, toHead(text, MAX_MESSAGE_BYTES));
}

function toCode(code: TerraformFailureCode, end: CallEnd, errors: readonly Diagnostic[]): TerraformFailureCode {
  if (end.stopped) return "TERRAFORM_CANCELLED";
  return errors.some(saysLocked) ? "TERRAFORM_STATE_LOCKED" : code;
}

function toFirstLine(code: TerraformFailureCode, command: string, { code: exitCode, signal }: ChildEnd): string {
  const how = exitCode === null ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
  switch (code) {
    case "TERRAFORM_CANCELLED":
      return exitCode === null
        ? `${command} was stopped and ${how}; a lock of its state may be left.`
        : `${command} was stopped; what it had made before is in the state.`;
    case "TERRAFORM_STATE_LOCKED":
      return `${command} could not begin: another run holds the lock of its state.`;
    default:
      return `${command} ${how}.`;
  }
}
