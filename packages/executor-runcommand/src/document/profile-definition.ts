import { type Static, Type } from "typebox";
import { applyArtifactParameters } from "./apply-artifact-document.ts";

const DocumentName = Type.String({ pattern: "^[A-Za-z0-9_.:/-]{3,128}$" });
const DocumentVersion = Type.String({ pattern: String.raw`^(\$DEFAULT|\$LATEST|[1-9][0-9]{0,8})$` });
const DocumentHash = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Platforms = Type.Array(Type.Union([Type.Literal("linux"), Type.Literal("windows")]), {
  minItems: 1,
  maxItems: 2,
  uniqueItems: true,
});

/** Runs a file of the artifact by `Stackyard-ApplyArtifact`. */
export const ArtifactProfile = Type.Object(
  {
    kind: Type.Literal("artifact"),
    /** File of the artifact. A name that ends in `.ps1` is for Windows, any other one for Linux. */
    entryPoint: Type.String({ pattern: applyArtifactParameters.EntryPoint.allowedPattern, maxLength: 255 }),
    /** Seconds to wait for another run on the same host. Default: 60. */
    lockWaitSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 9_999 })),
    /** Where the document was made under another name. */
    document: Type.Optional(DocumentName),
    /** Instead of the document's content hash. */
    documentVersion: Type.Optional(DocumentVersion),
  },
  { additionalProperties: false },
);
export type ArtifactProfile = Static<typeof ArtifactProfile>;

/** Looks for patches, or installs them, by `AWS-RunPatchBaseline`. */
export const PatchProfile = Type.Object(
  {
    kind: Type.Literal("patch"),
    operation: Type.Union([Type.Literal("Scan"), Type.Literal("Install")]),
    /** Default: `NoReboot` for a scan, `RebootIfNeeded` for an installation. */
    rebootOption: Type.Optional(Type.Union([Type.Literal("RebootIfNeeded"), Type.Literal("NoReboot")])),
  },
  { additionalProperties: false },
);
export type PatchProfile = Static<typeof PatchProfile>;

/** Sends a document of yours, or of AWS, with parameters that are the same for every run except for the names below. */
export const DocumentProfile = Type.Object(
  {
    kind: Type.Literal("document"),
    document: DocumentName,
    documentVersion: Type.Optional(DocumentVersion),
    documentHash: Type.Optional(DocumentHash),
    /** Default: both. */
    platforms: Type.Optional(Platforms),
    /**
     * A value that is exactly `@artifact.location`, `@artifact.sha256`, `@inventory` (base64) or `@timeout` (seconds)
     * is replaced by the run's. Names within a longer text are not replaced.
     */
    parameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_-]{0,127}$" }),
        Type.Array(Type.String({ maxLength: 32_768 }), { maxItems: 1_000 }),
        { maxProperties: 64 },
      ),
    ),
  },
  { additionalProperties: false },
);
export type DocumentProfile = Static<typeof DocumentProfile>;

/** The command of a run for its instances. */
export const ProfileDefinition = Type.Union([ArtifactProfile, PatchProfile, DocumentProfile]);
export type ProfileDefinition = Static<typeof ProfileDefinition>;

/** The built-in profiles; `garlc-1` too, but it consists of lines. */
export const builtInProfiles: Readonly<Record<string, ProfileDefinition>> = {
  ansible: { kind: "artifact", entryPoint: "ansible/playbook.yml" },
  powershell: { kind: "artifact", entryPoint: "windows/configure.ps1" },
  "patch-scan": { kind: "patch", operation: "Scan" },
  "patch-install": { kind: "patch", operation: "Install" },
};

/** Options of the executor `runcommand`. */
export const RunCommandOptions = Type.Object(
  {
    profiles: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }), ProfileDefinition, {
        description:
          "Your own profiles by name: `artifact` (a file of the artifact), `patch`, or `document` with fixed parameters. Default: none",
      }),
    ),
    reportUrl: Type.Optional(
      Type.String({
        pattern: "^https?://",
        maxLength: 1_000,
        description: "The address of reports; `{runId}` is replaced by the id of the run. Default: a URN",
      }),
    ),
  },
  { additionalProperties: false },
);
export type RunCommandOptions = Static<typeof RunCommandOptions>;
