import type { CopyFault, CountedCode, RefusalCode } from "./copy-fault.ts";

/** How often each has been met since the last copy. */
export type FaultCounts = Readonly<Partial<Record<CountedCode, number>>>;

/** What became of a fault, in view of those before. */
export type SettledFault =
  | {
      readonly kind: "failed";
      readonly code: CountedCode | "TARGET_DENIED" | "BUCKET_FOREIGN";
      readonly reason: string;
    }
  | { readonly kind: "rejected"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "refresh"; readonly code: "URL_EXPIRED"; readonly reason: string }
  | { readonly kind: "retry"; readonly code: string; readonly reason: string; readonly counts: FaultCounts }
  | { readonly kind: "superseded" }
  | { readonly kind: "suspended" };

/** At which time it is final. The wire may lie: a mismatch is tried again three times. */
const FINAL_AT: Readonly<Record<CountedCode, number>> = {
  SOURCE_DENIED: 3,
  SOURCE_MISSING: 5,
  SIZE_MISMATCH: 4,
  SHA256_MISMATCH: 4,
};
/** Permissions of a new stack take a while; what is denied then stays denied. */
const TARGET_FINAL_AT = 3;

/** Is it tried again, or is this the end? `attempt`: deliveries of the message so far, from 1. */
export function settleFault(fault: CopyFault, counts: FaultCounts, attempt: number): SettledFault {
  switch (fault.kind) {
    case "expired":
      return { kind: "refresh", code: "URL_EXPIRED", reason: fault.reason };
    case "refused":
      return { kind: "rejected", code: fault.code, reason: fault.reason };
    case "counted": {
      const { code, reason } = fault;
      const count = (counts[code] ?? 0) + 1;
      if (count >= FINAL_AT[code]) return { kind: "failed", code, reason };
      return { kind: "retry", code, reason, counts: { ...counts, [code]: count } };
    }
    case "target": {
      const { code, reason } = fault;
      return attempt >= TARGET_FINAL_AT ? { kind: "failed", code, reason } : { kind: "retry", code, reason, counts };
    }
    case "passing":
      return { kind: "retry", code: fault.code, reason: fault.reason, counts };
    case "lost":
      return { kind: "retry", code: "TARGET_UNAVAILABLE", reason: fault.reason, counts };
    case "stopped":
      return { kind: "suspended" };
    case "superseded":
      return { kind: "superseded" };
  }
}
