import type { ByteRange } from "../fetch/source-answer.ts";

/** A file of the source bucket, as it is named in a message. */
export interface SourceFile {
  readonly key: string;
  readonly url?: string;
  readonly versionId?: string;
  /** Asked for as a part; without it all of it. */
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/** A file that begins to arrive. */
export interface OpenedFile {
  /** Bytes that are announced to come. */
  readonly length?: number;
  readonly range?: ByteRange & { readonly size?: number };
  /** Fails with a `CopyStop`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends it, read or not. */
  readonly cancel: () => void;
}

/** Opens files of the source bucket. Fails with a `CopyStop`. */
export type ArtifactSource = (file: SourceFile) => Promise<OpenedFile>;
