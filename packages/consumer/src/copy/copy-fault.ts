import { StackyardError } from "@stackyard/core";
import type { UrlFault } from "../judge-url.ts";

/** What is tried again a few times, and is final then. */
export type CountedCode = "SOURCE_DENIED" | "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";

/** Codes of copies that will never be made. */
export type RefusalCode = "URL_REDIRECT" | "VERSION_CONFLICT" | "TOO_LARGE" | UrlFault;

/** Why a copy ended before it was made. No reason holds a URL. */
export type CopyFault =
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "counted"; readonly code: CountedCode; readonly reason: string }
  | {
      readonly kind: "passing";
      /** `COPY_BUSY`: another delivery of the same file is at work. */
      readonly code: "SOURCE_UNAVAILABLE" | "TARGET_UNAVAILABLE" | "COPY_BUSY";
      readonly reason: string;
    }
  /** The upload that the parts belong to is of no use any more. */
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "target"; readonly code: "TARGET_DENIED" | "BUCKET_FOREIGN"; readonly reason: string }
  /** The time is over. */
  | { readonly kind: "stopped"; readonly reason: string }
  /** A later one of the same key lies there. */
  | { readonly kind: "superseded"; readonly reason: string };

/** Carries a fault out of streams and calls; it does not leave the copier. */
export class CopyStop extends StackyardError {
  readonly fault: CopyFault;

  constructor(fault: CopyFault) {
    super("INTERRUPTED", fault.reason);
    this.fault = fault;
  }
}
