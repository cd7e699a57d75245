import { parseDocument, type SimDocument } from "./sim-document.ts";

const SCRIPT = {
  commands: { type: "StringList" },
  workingDirectory: { type: "String", default: "" },
  executionTimeout: {
    type: "String",
    default: "3600",
    allowedPattern: "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)",
  },
};
const TIMEOUT = { timeoutSeconds: "{{ executionTimeout }}" };

/** The documents of AWS that fleets use. Parameters, patterns and steps are those that `aws ssm get-document` shows. */
const CONTENTS: Readonly<Record<string, object>> = {
  "AWS-RunShellScript": {
    parameters: SCRIPT,
    mainSteps: [{ action: "aws:runShellScript", name: "aws:runShellScript", inputs: TIMEOUT }],
  },
  "AWS-RunPowerShellScript": {
    parameters: SCRIPT,
    mainSteps: [{ action: "aws:runPowerShellScript", name: "aws:runPowerShellScript", inputs: TIMEOUT }],
  },
  "AWS-RunPatchBaseline": {
    parameters: {
      Operation: { type: "String", allowedValues: ["Scan", "Install"] },
      SnapshotId: { type: "String", default: "" },
      InstallOverrideList: { type: "String", default: "" },
      BaselineOverride: { type: "String", default: "" },
      AssociationId: { type: "String", default: "" },
      RebootOption: { type: "String", default: "RebootIfNeeded", allowedValues: ["RebootIfNeeded", "NoReboot"] },
      StepTimeoutSeconds: { type: "String", default: "7200" },
    },
    mainSteps: ["Windows", "Linux", "MacOS"].map((platform) => ({
      action: platform === "Windows" ? "aws:runPowerShellScript" : "aws:runShellScript",
      name: `Patch${platform}`,
      precondition: { StringEquals: ["platformType", platform] },
      inputs: { timeoutSeconds: "{{ StepTimeoutSeconds }}" },
    })),
  },
};

/** They are in every account and region. */
export const awsDocuments: ReadonlyMap<string, SimDocument> = new Map(
  Object.entries(CONTENTS).map(([name, content]) => {
    const versions = [parseDocument(JSON.stringify({ schemaVersion: "2.2", ...content }))];
    return [name, { name, owner: "Amazon", createdAt: 0, versions, defaultVersion: 1 }];
  }),
);
