import { applyArtifactName } from "@stackyard/executor-runcommand/document";
import type { CfnCondition } from "aws-cdk-lib";
import { CfnAssociation } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";

/** Which artifact SSM itself applies to which instances. */
export interface FleetAssociationProps {
  readonly name: string;
  readonly tagKey: string;
  readonly tagValues: readonly string[];
  /** Such as `s3://bucket/key`, percent-encoded. */
  readonly artifactLocation: string;
  readonly artifactSha256: string;
  readonly entryPoint: string;
  readonly timeoutSeconds: string;
  /** Instances at a time, and failures after which it stops: a number or a share. */
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  /** The document, if it is made beside. Default: the name of ours. */
  readonly documentName?: string;
  readonly condition?: CfnCondition;
}

/**
 * An association of State Manager: SSM applies the artifact when a node with the tag registers, so nobody waits for its agent,
 * and to all of them when the association changes. Each instance reads its own roles from its tags.
 */
export function createFleetAssociation(scope: Construct, id: string, props: FleetAssociationProps): CfnAssociation {
  const { condition, tagKey, tagValues, documentName = applyArtifactName } = props;
  const association = new CfnAssociation(scope, id, {
    name: documentName,
    associationName: props.name,
    targets: [{ key: `tag:${tagKey}`, values: [...tagValues] }],
    parameters: {
      ArtifactLocation: [props.artifactLocation],
      ArtifactSha256: [props.artifactSha256],
      InventorySource: ["instance-tags"],
      EntryPoint: [props.entryPoint],
      ExecutionTimeout: [props.timeoutSeconds],
    },
    maxConcurrency: props.maxConcurrency,
    maxErrors: props.maxErrors,
    complianceSeverity: "HIGH",
  });
  if (condition !== undefined) association.cfnOptions.condition = condition;
  return association;
}
