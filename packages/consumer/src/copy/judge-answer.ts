import type { CopyFault } from "./copy-fault.ts";

/** What a source answered, as far as it is judged. */
export interface JudgedAnswer {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  /** How far the source's clock is ahead of ours, where it told the time. */
  readonly clockAheadMs?: number;
}

/** Source: Amazon S3 API reference, "Error responses"; S3 answers ExpiredToken with 400, its documentation of 2019 with 403. */
const EXPIRED = new Set(["ExpiredToken", "TokenRefreshRequired", "RequestExpired"]);
/** Within this both clocks are right, and the signer's is not. S3 itself allows 15 minutes. */
const SAME_CLOCK_MS = 5 * 60_000;

/** Why an answer is no file; undefined: it is one. */
export function judgeAnswer({ status, code = "", message = "", clockAheadMs }: JudgedAnswer): CopyFault | undefined {
  if (status === 200 || status === 206) return undefined;
  const said = `The source answered ${[String(status), code].filter(Boolean).join(" ")}.`;
  if (status >= 300 && status < 400) return { kind: "refused", code: "URL_REDIRECT", reason: said };
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 200) {
    return { kind: "passing", code: "SOURCE_UNAVAILABLE", reason: said };
  }
  if (isExpired(code, message, clockAheadMs)) return { kind: "expired", reason: said };
  // 405: the version is a marker of a deletion.
  if (status === 404 || status === 405 || status === 410) {
    return { kind: "counted", code: "SOURCE_MISSING", reason: said };
  }
  if (status === 416) return { kind: "counted", code: "SIZE_MISMATCH", reason: "The source has fewer bytes." };
  if (status === 400 && code === "RequestTimeout") return { kind: "passing", code: "SOURCE_UNAVAILABLE", reason: said };
  return { kind: "counted", code: "SOURCE_DENIED", reason: said };
}

function isExpired(code: string, message: string, clockAheadMs: number | undefined): boolean {
  if (code === "RequestTimeTooSkewed") return clockAheadMs !== undefined && Math.abs(clockAheadMs) < SAME_CLOCK_MS;
  return EXPIRED.has(code) || (code === "AccessDenied" && /\bexpired\b/i.test(message));
}
