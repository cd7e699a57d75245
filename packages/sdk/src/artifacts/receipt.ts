import { type Static, Type } from "typebox";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "./manifest.ts";

const orNull = (pattern: string) => Type.Union([Type.String({ pattern }), Type.Null()]);
const sha256 = orNull("^[0-9a-f]{64}$");

/** The fields of a consumer's receipt that a distributor reads. It ignores unknown fields. */
export const ReceivedReceipt = Type.Object({
  v: Type.Literal(1),
  artifact: Type.Object({
    name: orNull(ARTIFACT_NAME),
    version: orNull(ARTIFACT_VERSION),
    key: Type.Union([Type.String({ maxLength: 1_024 }), Type.Null()]),
  }),
  account: Type.String({ pattern: "^\\d{12}$" }),
  region: Type.String({ pattern: "^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\\d{1,2}$" }),
  bucket: Type.String({ minLength: 1, maxLength: 255 }),
  status: Type.Enum(["stored", "present", "failed", "rejected"]),
  code: Type.Union([Type.String({ pattern: "^[A-Z][A-Z0-9_]{0,63}$" }), Type.Null()], {
    description: "Of a failure or rejection",
  }),
  verified: Type.Boolean({ description: "The content was compared with the announced digest" }),
  sourceSha256: sha256,
  storedSha256: Type.Union(sha256.anyOf, { description: "Differs from the source digest for a rewritten template" }),
  at: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$" }),
});
export type ReceivedReceipt = Static<typeof ReceivedReceipt>;
