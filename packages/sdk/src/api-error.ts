import { ERROR_CODES, type ErrorCode, StackyardError } from "@stackyard/core";

/** What a server says of a request that it refuses (RFC 9457). */
export interface ProblemDetails {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Stable; also the codes of refusals, such as `TASK_NOT_RUNNING`. */
  readonly code: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  readonly faults?: readonly { readonly in: string; readonly pointer: string; readonly message: string }[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The server's refusal. `problem.code` is the server's word; `code` is the nearest code that every error of ours may have. */
export class StackyardApiError extends StackyardError {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(toErrorCode(problem), problem.detail, { details: { ...problem.details, problem } });
    this.name = "StackyardApiError";
    this.problem = problem;
  }
}

/** The problem in an answer. An answer of something in between, such as a proxy, becomes one too. */
export function parseProblem({ status, statusText }: Response, text: string): ProblemDetails {
  const body = parseJson(text);
  const fallback = { status, title: statusText, retryable: status >= 500 };
  if (!isProblem(body)) {
    return { ...fallback, code: codeOfStatus(status), detail: `The server answered ${status} ${statusText}`.trim() };
  }
  return { ...fallback, ...body, status };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is Omit<ProblemDetails, "status"> {
  if (typeof body !== "object" || body === null) return false;
  return "code" in body && typeof body.code === "string" && "detail" in body && typeof body.detail === "string";
}

function toErrorCode({ code, status }: ProblemDetails): ErrorCode {
  return isErrorCode(code) ? code : codeOfStatus(status);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

const CODES_OF_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, "UNAUTHENTICATED"],
  [403, "FORBIDDEN"],
  [404, "NOT_FOUND"],
  [409, "OUTCOME_NEGATIVE"],
  [413, "PAYLOAD_TOO_LARGE"],
  [429, "RATE_LIMITED"],
  [502, "UNREACHABLE"],
  [503, "UNREACHABLE"],
  [504, "TIMED_OUT"],
]);

function codeOfStatus(status: number): ErrorCode {
  return CODES_OF_STATUS.get(status) ?? (status >= 500 ? "SERVER_ERROR" : "USAGE");
}
