import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What is kept of a copy that is not made yet. */
export const CopyProgress = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 1_024 }),
  /** Epoch milliseconds. */
  savedAt: count,
  /** Attempts in a row that got nowhere. */
  stalls: count,
  /** How often what went wrong, by code. */
  counts: Type.Record(Type.String(), count),
  upload: Type.Optional(
    Type.Object({
      id: Type.String({ minLength: 1, maxLength: 2_048 }),
      /** Digest of the parts that it is made of; empty: it cannot be gone on with. */
      plan: Type.String({ maxLength: 64 }),
      /** Packed, by number of the part from 1; empty: not there yet. */
      etags: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 10_000 }),
    }),
  ),
});
export type CopyProgress = Static<typeof CopyProgress>;

/** An upload that was begun. */
export type BegunUpload = NonNullable<CopyProgress["upload"]>;

const compiled = Compile(CopyProgress);

/** What was kept; undefined where that is nothing that can be gone on with. */
export function parseCopyProgress(value: unknown): CopyProgress | undefined {
  return compiled.Check(value) ? value : undefined;
}

/** 10,000 ETags as S3 writes them are more than a record holds; as bytes in base64 they are not. */
export function packEtag(etag: string): string {
  const [, hex] = /^"([0-9a-f]{32})"$/.exec(etag) ?? [];
  return hex === undefined ? etag : Buffer.from(hex, "hex").toString("base64url");
}

/** The ETag as it was. */
export function unpackEtag(packed: string): string {
  if (!/^[A-Za-z0-9_-]{22}$/.test(packed)) return packed;
  return `"${Buffer.from(packed, "base64url").toString("hex")}"`;
}
