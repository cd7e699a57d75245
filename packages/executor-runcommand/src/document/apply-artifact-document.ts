import { createHash } from "node:crypto";
import { applyArtifactParameters, type SsmDocumentParameter } from "./document-parameters.ts";
import scripts from "./generated/scripts.json" with { type: "json" };

/** A document of SSM whose steps run scripts, in the form that SSM takes it. */
export interface SsmDocument {
  readonly schemaVersion: "2.2";
  readonly description: string;
  readonly parameters: Readonly<Record<string, SsmDocumentParameter>>;
  readonly mainSteps: readonly SsmStep[];
}

/** A step of such a document; a node takes only those of its platform. */
export interface SsmStep {
  readonly action: "aws:runShellScript" | "aws:runPowerShellScript";
  readonly name: string;
  readonly precondition: { readonly StringEquals: readonly ["platformType", "Linux" | "Windows"] };
  readonly inputs: { readonly timeoutSeconds: string; readonly runCommand: readonly string[] };
}

/** The name under which the templates make the document. */
export const applyArtifactName = "Stackyard-ApplyArtifact";

/**
 * What runs on an instance: it fetches an artifact with the instance's own role, checks its SHA-256, unpacks it into a
 * private folder and runs its entry point. The scripts are the files beside this one.
 */
export const applyArtifactDocument: SsmDocument = {
  schemaVersion: "2.2",
  description: "Stackyard: fetches an artifact, checks its SHA-256, and runs its entry point.",
  parameters: applyArtifactParameters,
  mainSteps: [
    toStep("aws:runShellScript", "applyOnLinux", "Linux", scripts.sh),
    toStep("aws:runPowerShellScript", "applyOnWindows", "Windows", scripts.ps1),
  ],
};

/** The document as it is published, byte by byte. */
export const applyArtifactText = JSON.stringify(applyArtifactDocument);

/** SHA-256 of the published text in hex, for `DocumentHash` of a command: a document that somebody changed is not run. */
export const applyArtifactHash = createHash("sha256").update(applyArtifactText).digest("hex");

function toStep(
  action: SsmStep["action"],
  name: string,
  platform: "Linux" | "Windows",
  runCommand: readonly string[],
): SsmStep {
  const precondition = { StringEquals: ["platformType", platform] } as const;
  return { action, name, precondition, inputs: { timeoutSeconds: "{{ ExecutionTimeout }}", runCommand } };
}
