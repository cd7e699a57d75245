import type { Logger } from "@stackyard/core";
import { type ProblemInput, problemResponse, toProblemInput } from "./problem.ts";

/** Converts an error into a response, and logs internal errors. */
export function toErrorResponse(error: Error, requestId: string, logger: Logger): Response {
  const problem: ProblemInput = { ...toProblemInput(error), requestId };
  if (problem.status >= 500) logger.error("A request failed.", { requestId, code: problem.code, error });
  return problemResponse(problem, toHeaders(problem));
}

/** Returns the headers that an error's status needs. */
export function toHeaders({ status, details }: ProblemInput): Readonly<Record<string, string>> {
  if (status === 401) return { "www-authenticate": 'Bearer realm="stackyard"' };
  const allow = details?.["allow"];
  if (status === 405 && typeof allow === "string") return { allow };
  // RFC 9110, 15.5.17: the total length of the resource.
  if (status === 416) return { "content-range": `bytes */${Number(details?.["size"] ?? 0)}` };
  const waitMs = details?.["retryAfterMs"];
  const seconds = typeof waitMs === "number" ? Math.max(1, Math.ceil(waitMs / 1_000)) : 1;
  return status === 429 || status === 503 ? { "retry-after": `${seconds}` } : {};
}
