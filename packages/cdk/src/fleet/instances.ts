import { applyArtifactName, applyArtifactText } from "@stackyard/executor-runcommand/document";
import { Aws, type CfnCondition } from "aws-cdk-lib";
import { type CfnAutoScalingGroup, CfnLifecycleHook } from "aws-cdk-lib/aws-autoscaling";
import { CfnInstanceProfile } from "aws-cdk-lib/aws-iam";
import {
  CfnAssociation,
  CfnDocument,
  CfnMaintenanceWindow,
  CfnMaintenanceWindowTarget,
  CfnMaintenanceWindowTask,
} from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { createAppRole } from "../app-function.ts";
import { type Given, makeOnlyWhere, mapGiven } from "../given.ts";
import { allow, type Permission } from "../policies/statement.ts";
import { type BucketPrefix, toPrefix } from "../policies/yard-permissions.ts";

/** The input of the profile of instances: what they read and write. */
export interface FleetInstanceProfileProps {
  readonly artifacts: BucketPrefix;
  /** Where the full output of commands goes. Default: nowhere. */
  readonly output?: Given<BucketPrefix>;
  readonly permissionsBoundaryArn?: Given<string>;
}

/** The role of instances: they can only connect to SSM, read artifacts and write output. */
export class FleetInstanceProfile extends Construct {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, { artifacts, output, permissionsBoundaryArn }: FleetInstanceProfileProps) {
    super(scope, id);
    const role = createAppRole(this, "Role", {
      description: "Stackyard: instances of a fleet.",
      service: "ec2.amazonaws.com",
      permissions: [readArtifact(artifacts), ...(output === undefined ? [] : [mapGiven(output, writeOutput)])],
      managedPolicyArns: [`arn:${Aws.PARTITION}:iam::aws:policy/AmazonSSMManagedInstanceCore`],
      permissionsBoundaryArn,
    });
    const profile = new CfnInstanceProfile(this, "Profile", { roles: [role.ref] });
    this.name = profile.ref;
    this.arn = profile.attrArn;
    this.roleArn = role.attrArn;
  }
}

function readArtifact(objects: BucketPrefix): Permission {
  const keys = `arn:${Aws.PARTITION}:s3:::${objects.bucket}/${toPrefix(objects)}*`;
  return { name: "Artifacts", statements: [allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], keys)] };
}

function writeOutput(objects: BucketPrefix): Permission {
  const keys = `arn:${Aws.PARTITION}:s3:::${objects.bucket}/${toPrefix(objects)}*`;
  return { name: "Output", statements: [allow("Write", ["s3:PutObject"], keys)] };
}

/** The group in which launches wait. */
export interface LaunchHookProps {
  readonly autoScalingGroupName: string;
  /** Seconds without a heartbeat after which a launch counts as failed, 300 or more. Default: an hour. */
  readonly heartbeatSeconds?: number;
  readonly condition?: CfnCondition;
}

const HOUR = 3_600;

/**
 * Returns the hook as a part of a new group, for its `lifecycleHookSpecificationList`: a hook that is a resource of its
 * own is created after the group, and does not hold the group's first instances (aws/aws-cdk#16356).
 */
export function toLaunchHook({
  heartbeatSeconds = HOUR,
}: Pick<LaunchHookProps, "heartbeatSeconds"> = {}): CfnAutoScalingGroup.LifecycleHookSpecificationProperty {
  return {
    lifecycleHookName: "stackyard-configure",
    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
    defaultResult: "ABANDON",
    heartbeatTimeout: heartbeatSeconds,
  };
}

/**
 * Holds an instance of an existing group in `Pending:Wait` until it is configured; one that is not, or not in time, is
 * replaced. For a new group use `toLaunchHook`.
 */
export function createLaunchHook(scope: Construct, id: string, props: LaunchHookProps): CfnLifecycleHook {
  const { autoScalingGroupName } = props;
  const hook = new CfnLifecycleHook(scope, id, { ...toLaunchHook(props), autoScalingGroupName });
  if (props.condition !== undefined) hook.cfnOptions.condition = props.condition;
  return hook;
}

/** The artifact that SSM itself applies, and the instances. */
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
  /** The document, if the same stack creates it. Default: the name of the Stackyard document. */
  readonly documentName?: string;
  readonly condition?: CfnCondition;
}

/**
 * Creates a State Manager association: SSM applies the artifact when a node with the tag registers, and to all such nodes when
 * the association changes. Each instance reads its own roles from its tags.
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

/**
 * Creates the document that applies artifacts, in the account and region of the instances. Its content is passed as
 * text, so that SSM stores the exact bytes and computes the hash that commands contain. New content becomes the new
 * default version of the same document.
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

/** When and how instances are patched. */
export interface PatchWindowProps {
  readonly name: string;
  /** Such as `cron(0 3 ? * SUN *)`. */
  readonly schedule: string;
  /** Such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** 1 to 24. */
  readonly durationHours: number;
  /** No new work starts in the last hours: 0 to 23, less than the duration. */
  readonly cutoffHours: number;
  /** The fate of commands that run at the cutoff: `CONTINUE_TASK` or `CANCEL_TASK`. */
  readonly cutoffBehavior: string;
  readonly tagKey: string;
  readonly tagValues: readonly string[];
  /** `Scan` or `Install`. */
  readonly operation: string;
  /** `RebootIfNeeded` or `NoReboot`. */
  readonly rebootOption: string;
  /** A number or a share; a service never loses more than this at a time. */
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly condition?: CfnCondition;
}

/** A maintenance window of SSM that looks for patches, or installs them, on instances with a tag. */
export class PatchWindow extends Construct {
  readonly windowId: string;

  constructor(scope: Construct, id: string, props: PatchWindowProps) {
    super(scope, id);
    const window = new CfnMaintenanceWindow(this, "Window", {
      name: props.name,
      schedule: props.schedule,
      scheduleTimezone: props.timeZone,
      duration: props.durationHours,
      cutoff: props.cutoffHours,
      allowUnassociatedTargets: false,
    });
    const target = new CfnMaintenanceWindowTarget(this, "Target", {
      windowId: window.ref,
      resourceType: "INSTANCE",
      targets: [{ key: `tag:${props.tagKey}`, values: [...props.tagValues] }],
    });
    new CfnMaintenanceWindowTask(this, "Task", {
      windowId: window.ref,
      taskType: "RUN_COMMAND",
      taskArn: "AWS-RunPatchBaseline",
      priority: 0,
      targets: [{ key: "WindowTargetIds", values: [target.ref] }],
      maxConcurrency: props.maxConcurrency,
      maxErrors: props.maxErrors,
      cutoffBehavior: props.cutoffBehavior,
      taskInvocationParameters: {
        maintenanceWindowRunCommandParameters: {
          parameters: { Operation: [props.operation], RebootOption: [props.rebootOption] },
        },
      },
    });
    if (props.condition !== undefined) makeOnlyWhere(props.condition, this);
    this.windowId = window.ref;
  }
}
