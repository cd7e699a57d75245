import { type Failed, failed } from "@stackyard/core";

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
