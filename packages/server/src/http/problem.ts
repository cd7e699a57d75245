import { STATUS_CODES } from "node:http";
import {
  defined,
  type ErrorCode,
  httpStatusOf,
  isStackyardError,
  StackyardError,
  type StackyardErrorOptions,
} from "@stackyard/core";
import { type Static, Type } from "typebox";

/** One fault of a request: its place in the body, the query or the path, and a description. */
export const RequestFault = Type.Object({
  in: Type.Union([Type.Literal("body"), Type.Literal("query"), Type.Literal("path")]),
  pointer: Type.String({ description: "JSON pointer (RFC 6901)." }),
  message: Type.String(),
});
export type RequestFault = Static<typeof RequestFault>;

/** The body of every error (RFC 9457). Programs read `code`. */
export const ProblemDetails = Type.Object({
  type: Type.String({ description: "Always about:blank; `code` is the kind." }),
  title: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.String({ description: "What is wrong, with what, and what to do." }),
  code: Type.String({ description: "Stable and in capitals, such as STACK_UNKNOWN." }),
  retryable: Type.Boolean({ description: "The same request may succeed later without a change." }),
  requestId: Type.Optional(Type.String({ description: "The same id appears in the server's log." })),
  faults: Type.Optional(Type.Array(RequestFault)),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type ProblemDetails = Static<typeof ProblemDetails>;

/** The input of a problem. */
export interface ProblemInput {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable?: boolean;
  readonly requestId?: string;
  readonly faults?: readonly RequestFault[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Converts a problem to its JSON. */
function toProblem(input: ProblemInput): ProblemDetails {
  const { status, code, detail, retryable = false, requestId, faults, details } = input;
  return defined({
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail,
    code,
    retryable,
    requestId,
    faults: faults && [...faults],
    details: details && Object.keys(details).length > 0 ? details : undefined,
  });
}

/** Converts a thrown error to a problem. An unknown error is not described: its text may contain anything. */
export function toProblemInput(error: unknown): ProblemInput {
  if (error instanceof OutcomeRefused) return error.problem;
  if (!isStackyardError(error)) {
    return { status: 500, code: "INTERNAL", detail: "The server failed to process the request. See its log." };
  }
  const status = error instanceof HttpError ? error.status : httpStatusOf(error.code);
  const faults = Array.isArray(error.details["faults"]) ? (error.details["faults"] as RequestFault[]) : undefined;
  const { faults: _, ...details } = error.details;
  const { code, message, retryable } = error;
  return { status, code, detail: message, retryable, details, ...defined({ faults }) };
}

/** The outcome of an event that was not applied. Its code is that of the history, also one of a plugin. */
export class OutcomeRefused extends Error {
  readonly problem: ProblemInput;

  constructor(problem: ProblemInput) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Returns a response with problem details. */
export function problemResponse(input: ProblemInput, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(toProblem(input)), {
    status: input.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** An error with a different status than its code has everywhere else, such as 405 or 415. */
export class HttpError extends StackyardError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string, options?: StackyardErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}
