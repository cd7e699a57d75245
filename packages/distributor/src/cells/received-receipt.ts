import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Region } from "../registry/place.ts";

const orNull = (pattern: string) => Type.Union([Type.String({ pattern }), Type.Null()]);
const sha256OrNull = orNull("^[0-9a-f]{64}$");

/** A consumer's word on one file, as far as it is read here. Others may say more: further fields are left alone. */
export const ReceivedReceipt = Type.Object({
  v: Type.Literal(1),
  artifact: Type.Object({
    name: orNull(ARTIFACT_NAME),
    version: orNull(ARTIFACT_VERSION),
    key: Type.Union([Type.String({ maxLength: 1_024 }), Type.Null()]),
  }),
  account: AccountId,
  region: Region,
  bucket: Type.String({ minLength: 1, maxLength: 255 }),
  status: Type.Enum(["stored", "present", "failed", "rejected"]),
  code: orNull("^[A-Z][A-Z0-9_]{0,63}$"),
  verified: Type.Boolean(),
  sourceSha256: sha256OrNull,
  storedSha256: sha256OrNull,
  at: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$" }),
});
export type ReceivedReceipt = Static<typeof ReceivedReceipt>;

const validator = Compile(ReceivedReceipt);

/** Reads a receipt; undefined: it is none. */
export function parseReceipt(detail: unknown): ReceivedReceipt | undefined {
  return validator.Check(detail) && !Number.isNaN(Date.parse(detail.at)) ? detail : undefined;
}
