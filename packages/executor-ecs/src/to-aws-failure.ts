import { findAwsFault, redactText } from "@stackyard/aws";

/** An error of a call, as a step failure. */
export interface AwsFailure {
  readonly code: "ECS_AWS_ERROR" | "ECS_TASK_DEFINITION" | "ECS_NETWORK";
  /** The AWS error's name and message, and what was tried. */
  readonly message: string;
  readonly retryable: boolean;
}

const MAX_CHARS = 1_000;

/** What ECS refuses at the start although the definition was looked at before: it may have changed meanwhile. */
const BY_MESSAGE: readonly (readonly [RegExp, "ECS_TASK_DEFINITION" | "ECS_NETWORK"])[] = [
  [/task ?definition.*(not found|inactive|does not exist)|unable to describe task definition/i, "ECS_TASK_DEFINITION"],
  [/network ?configuration|network ?mode/i, "ECS_NETWORK"],
];

/** Judges an error of a call of ECS or CloudWatch Logs; `what` is a short clause such as `RunTask in "web"`. */
export function toAwsFailure(error: unknown, what: string): AwsFailure {
  const fault = findAwsFault(error);
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error && error.name !== "Error" ? `${error.name}: ` : "";
  const text = `${name}${redactText(message)}`.slice(0, MAX_CHARS);
  const isCallers = name.startsWith("ClientException") || name.startsWith("InvalidParameterException");
  const code = (isCallers && BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1]) || "ECS_AWS_ERROR";
  const retryable = fault.kind === "retryable" || name.startsWith("ServerException");
  return { code, message: `${what} failed. ${text}${text.endsWith(".") ? "" : "."}`, retryable };
}
