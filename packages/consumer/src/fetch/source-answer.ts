import type { UrlFault } from "../judge-url.ts";
import type { ErrorWords } from "./read-error-answer.ts";

/** Bytes `from` to `to`, both included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** A part of a file, or all of it, by a presigned URL. */
export interface SourceRequest {
  readonly url: string;
  /** What the URL must be of. */
  readonly key: string;
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/** What the source says. */
export type SourceAnswer =
  | SourceContent
  /** S3 refused, or answered something that is no file. */
  | (ErrorWords & {
      readonly kind: "refused";
      readonly status: number;
      /** How far the source's clock is ahead, where it told the time. */
      readonly clockAheadMs?: number;
    })
  /** Nothing was asked: this URL is not fetched. */
  | { readonly kind: "forbidden"; readonly code: UrlFault; readonly reason: string }
  /** It led elsewhere. */
  | { readonly kind: "redirected" }
  | { readonly kind: "unreachable"; readonly reason: string };

/** A file that begins to arrive. */
export interface SourceContent {
  readonly kind: "content";
  /** Bytes that are announced to come. */
  readonly length?: number;
  /** Of an answer to a range: which bytes these are, of how many. */
  readonly range?: ByteRange & { readonly size?: number };
  /** To be read to its end or returned from; fails with `UNREACHABLE`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends it unread. */
  readonly cancel: () => void;
}

/** Fetches by presigned URLs. Never throws, and no answer holds a URL. */
export type SourceFetch = (request: SourceRequest) => Promise<SourceAnswer>;
