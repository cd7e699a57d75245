import { type Failed, failed } from "@stackyard/core";
import { SourceFailure, type SourceFault } from "@stackyard/sources";

/** The facts about a code. */
interface FailureFacts {
  /** True if another attempt may succeed; `config`: where the config says that it may run again. */
  readonly retryable: boolean | "config";
  /** One sentence for the table in the README. */
  readonly meaning: string;
}

function fact(retryable: FailureFacts["retryable"], meaning: string): FailureFacts {
  return { retryable, meaning };
}

/** The codes of failed tasks of this executor. Never renamed or used for something else. */
export const COMMAND_FAILURES = {
  COMMAND_NOT_ALLOWED: fact(false, "The option `allow` of the yard has no rule for the program and the machine."),
  COMMAND_INVALID: fact(false, "The parts of the config do not fit each other, or the system refuses a value."),
  COMMAND_NOT_FOUND: fact(false, "The program, its folder or its user does not exist on the worker."),
  COMMAND_SOURCE_MISSING: fact(false, "The source of the folder does not exist."),
  COMMAND_SOURCE_REFUSED: fact(
    false,
    "The source is outside of the project, too large, or contains what cannot be copied.",
  ),
  COMMAND_SOURCE_UNREADABLE: fact(
    true,
    "The source could not be read: a permission is missing, or the service does not respond; nothing was started.",
  ),
  COMMAND_SOURCE_UNSUPPORTED: fact(false, "The worker lacks the plugin or package for the type of the source."),
  COMMAND_UNAVAILABLE: fact(true, "The worker lacks memory, processes or file descriptors; nothing was started."),
  COMMAND_NEEDS_STORE: fact(false, "A worker without a store cannot know whether the program ran before."),
  COMMAND_FAILED: fact("config", "The program ended with another exit code; retried after the codes of `retryable`."),
  COMMAND_KILLED: fact("config", "A signal ended the program, as when memory runs out; retried if it is `repeatable`."),
  COMMAND_TIMED_OUT: fact("config", "The program was stopped after `timeout`; retried if it is `repeatable`."),
  COMMAND_UNKNOWN: fact(
    false,
    "The worker was lost while the program ran. Look what it has done, then retry the task.",
  ),
  COMMAND_OUTPUTS_INVALID: fact(
    false,
    "The program succeeded, but its outputs are missing, too large or of another type.",
  ),
  COMMAND_CANCELLED: fact(false, "The program was stopped, or not started, because the task was cancelled."),
} as const satisfies Record<string, FailureFacts>;

/** A code that a failed task of this executor may have. */
export type CommandFailureCode = keyof typeof COMMAND_FAILURES;

/** Ends a run from any depth; `start` returns its failed step. Never leaves this package. */
export class CommandFailure extends Error {
  readonly step: Failed;

  constructor(
    code: CommandFailureCode,
    message: string,
    options: ErrorOptions & { readonly retryable?: boolean } = {},
  ) {
    super(message, options);
    this.name = "CommandFailure";
    const { retryable = COMMAND_FAILURES[code].retryable === true } = options;
    this.step = failed({ code, message, retryable });
  }
}

const CODES: Readonly<Record<SourceFault, CommandFailureCode>> = {
  missing: "COMMAND_SOURCE_MISSING",
  outside: "COMMAND_SOURCE_REFUSED",
  refused: "COMMAND_SOURCE_REFUSED",
  unreadable: "COMMAND_SOURCE_UNREADABLE",
  unsupported: "COMMAND_SOURCE_UNSUPPORTED",
  cancelled: "COMMAND_CANCELLED",
};

/** Returns the failure of this executor for that of a source, and other errors as they are. */
export function toCommandFailure(error: unknown): unknown {
  if (!(error instanceof SourceFailure)) return error;
  return new CommandFailure(CODES[error.fault], error.message, { cause: error });
}
