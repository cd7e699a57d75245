import { applyArtifactName, applyArtifactText } from "@stackyard/executor-runcommand/document";
import { CfnDocument } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";

/**
 * Makes the document that applies artifacts, in the account and region of the instances. Its content is given as text, so
 * that SSM keeps these very bytes and the hash that commands name is the one that it reckons. A new content is a new version
 * of the same document, and becomes its default.
 */
export function createApplyDocument(scope: Construct, id: string, name: string = applyArtifactName): CfnDocument {
  const document = new CfnDocument(scope, id, {
    name,
    content: {},
    documentFormat: "JSON",
    documentType: "Command",
    targetType: "/",
    updateMethod: "NewVersion",
  });
  // The construct accepts only objects, whose bytes CloudFormation would choose.
  document.addPropertyOverride("Content", applyArtifactText);
  return document;
}
