import { STATUS_CODES } from "node:http";
import { httpStatusOf, isStackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { HttpError } from "./http-error.ts";

/** One fault of a request: where it stands in the body, the query or the path, and what is wrong. */
export const RequestFault = Type.Object({
  in: Type.Union([Type.Literal("body"), Type.Literal("query"), Type.Literal("path")]),
  pointer: Type.String({ description: "JSON pointer (RFC 6901)." }),
  message: Type.String(),
});
export type RequestFault = Static<typeof RequestFault>;

/** Every answer that is no success (RFC 9457). Programs look at `code`. */
export const ProblemDetails = Type.Object({
  type: Type.String({ description: "Always about:blank: `code` tells the kind." }),
  title: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.String({ description: "What is wrong, with what, and what to do." }),
  code: Type.String({ description: "Stable and in capitals, such as STACK_UNKNOWN." }),
  retryable: Type.Boolean({ description: "The same request may succeed later without a change." }),
  requestId: Type.Optional(Type.String({ description: "The same id stands in the server's log." })),
  faults: Type.Optional(Type.Array(RequestFault)),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type ProblemDetails = Static<typeof ProblemDetails>;

/** What a problem is made of. */
export interface ProblemInput {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable?: boolean;
  readonly requestId?: string;
  readonly faults?: readonly RequestFault[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The problem as it goes over the wire. */
export function toProblem(input: ProblemInput): ProblemDetails {
  const { status, code, detail, retryable = false, requestId, faults, details } = input;
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail,
    code,
    retryable,
    ...(requestId === undefined ? {} : { requestId }),
    ...(faults === undefined ? {} : { faults: [...faults] }),
    ...(details === undefined || Object.keys(details).length === 0 ? {} : { details }),
  };
}

/** A thrown error as a problem. An error that is not ours says nothing of itself: it may hold anything. */
export function toProblemInput(error: unknown): ProblemInput {
  if (!isStackyardError(error)) {
    return { status: 500, code: "INTERNAL", detail: "The server failed on this request. Its log knows more." };
  }
  const status = error instanceof HttpError ? error.status : httpStatusOf(error.code);
  const faults = Array.isArray(error.details["faults"]) ? (error.details["faults"] as RequestFault[]) : undefined;
  const { faults: _, ...details } = error.details;
  const { code, message, retryable } = error;
  return { status, code, detail: message, retryable, details, ...(faults === undefined ? {} : { faults }) };
}

/** An answer with problem details. */
export function problemResponse(input: ProblemInput, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(toProblem(input)), {
    status: input.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
