import { type Failed, failed } from "@stackyard/core";

/** What is known of a code besides its name. */
interface FailureFacts {
  /** False: another attempt would fail in the same way. */
  readonly retryable: boolean;
  /** One sentence for the table in the README. */
  readonly meaning: string;
}

function fact(retryable: boolean, meaning: string): FailureFacts {
  return { retryable, meaning };
}

/** The codes that a failed task of this executor may have. Never renamed or used for something else. */
export const TERRAFORM_FAILURES = {
  TERRAFORM_NOT_FOUND: fact(false, "The program is not on this runner."),
  TERRAFORM_VERSION_MISMATCH: fact(false, "The program's version is not one that the option `version` allows."),
  TERRAFORM_SOURCE_MISSING: fact(false, "The source is not there, or holds no configuration files."),
  TERRAFORM_SOURCE_UNREADABLE: fact(
    true,
    "The source could not be read: no permission, or the service does not answer.",
  ),
  TERRAFORM_SOURCE_UNSUPPORTED: fact(false, "The source has no type, or this runner cannot read its type."),
  TERRAFORM_SOURCE_REFUSED: fact(false, "The source leads out of its root, or is larger than the limit."),
  TERRAFORM_BACKEND_MISSING: fact(false, "The state would be lost: there is no backend that outlives the run."),
  TERRAFORM_VALUE_REFUSED: fact(false, "A value cannot be handed to a program: it holds U+0000 or is too long."),
  TERRAFORM_INIT_FAILED: fact(true, "`init` failed: the backend, a module or a provider could not be had."),
  TERRAFORM_PLAN_FAILED: fact(true, "`plan` failed."),
  TERRAFORM_APPLY_FAILED: fact(true, "`apply` failed; what it had made before is in the state."),
  TERRAFORM_DESTROY_FAILED: fact(true, "`destroy` failed; what is left is in the state."),
  TERRAFORM_OUTPUTS_FAILED: fact(true, "The work is done, but its outputs could not be read."),
  TERRAFORM_STATE_LOCKED: fact(true, "Another run holds the state's lock."),
  TERRAFORM_STATE_NOT_SAVED: fact(
    false,
    "The state could not be saved; the runner kept a copy, which has to be pushed.",
  ),
  TERRAFORM_CANCELLED: fact(false, "The run was stopped; what it had made before is in the state."),
} as const satisfies Record<string, FailureFacts>;

/** A code that a failed task of this executor may have. */
export type TerraformFailureCode = keyof typeof TERRAFORM_FAILURES;

/** Ends a run from any depth; `start` turns it into the failed step that it holds. Never leaves this package. */
export class TerraformFailure extends Error {
  readonly step: Failed;

  constructor(code: TerraformFailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TerraformFailure";
    this.step = failed({ code, message, retryable: TERRAFORM_FAILURES[code].retryable });
  }
}
