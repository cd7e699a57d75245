import { type Static, Type } from "typebox";

const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Names of artifacts: lower-case letters, digits and `._/-`, in segments that are neither empty nor dots. */
export const ARTIFACT_NAME: string = "^(?!.*(^|/)(\\.{1,2})?(/|$))[a-z0-9][a-z0-9._/-]{0,127}$";
/** Versions of artifacts. */
export const ARTIFACT_VERSION: string = "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$";

/** A part of a file, digested by itself: a running SHA-256 cannot be saved and resumed, digests of parts can. */
export const ManifestPart = Type.Object({ size, sha256 }, { additionalProperties: false });
export type ManifestPart = Static<typeof ManifestPart>;

/** One file of an artifact. */
export const ManifestFile = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: "Where it lies, in the source bucket and in each consumer's",
    }),
    size,
    sha256,
    contentType: Type.Optional(Type.String({ pattern: "^[\\u0020-\\u007e]{1,255}$" })),
    versionId: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })),
    rewrite: Type.Optional(Type.Enum(["none", "template"])),
    parts: Type.Optional(Type.Array(ManifestPart, { minItems: 1, maxItems: 10_000 })),
  },
  { additionalProperties: false },
);
export type ManifestFile = Static<typeof ManifestFile>;

/** An artifact: immutable, one or more files under a name and a version. */
export const Manifest = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    createdAt: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$" }),
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$" }),
        Type.String({ maxLength: 256, pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", description: "Of one line" }),
      ),
    ),
    files: Type.Array(ManifestFile, { minItems: 1, maxItems: 1_000 }),
  },
  { additionalProperties: false },
);
export type Manifest = Static<typeof Manifest>;
