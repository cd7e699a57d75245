import { CfnResource } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction, type FunctionSettings } from "../functions/app-function.ts";
import type { Variables } from "../functions/yard-environment.ts";
import { type Given, mapGiven } from "../given.ts";
import { askForInitialSet, sendReceipts } from "../policies/consumer-permissions.ts";
import { present } from "../present.ts";
import { type DistributorAddress, HANDLERS } from "./consumer-props.ts";
import { type Switch, toFlag, toNumberOf } from "./switch.ts";

/** Settings that the functions of custom resources share. */
export interface ResourceSettings {
  readonly settings: FunctionSettings;
  readonly environment: Variables;
}

/** The settings of the resource that requests everything that a consumer should have. */
export interface InitialSetTriggerProps extends ResourceSettings {
  readonly code: Code;
  readonly distributor: DistributorAddress;
  /** What the distributor must know about the consumer, as variables. */
  readonly capabilities: Readonly<Record<"TRANSFER" | "RETIRE", string | undefined>>;
  readonly region: string;
  readonly bucket: string;
  readonly bucketPrefix: string;
  readonly version: string;
  readonly wait: Switch;
  /** Resources that must exist first: earlier messages are lost. */
  readonly after: readonly CfnResource[];
}

/** Time to assume a role and start an execution in another region; or the longest time that Lambda lets a function wait. */
const TIMEOUT_SECONDS = { on: 900, off: 60 };
/** Lambda retries a failed call twice, after one and two minutes. */
const SERVICE_TIMEOUT_SECONDS = { on: 3_600, off: 600 };

/** `Custom::InitialSetTrigger`, compatible with the predecessor's. */
export class InitialSetTrigger extends Construct {
  constructor(scope: Construct, id: string, props: InitialSetTriggerProps) {
    super(scope, id);
    const { distributor, wait, version, bucket, capabilities } = props;
    const { initialSetRoleArn, initialSetMachineArn, receiptBusArn } = distributor;
    const { arn } = new AppFunction(new Construct(this, "Functions"), "InitialSetTrigger", {
      ...props.settings,
      code: props.code,
      handler: HANDLERS.initialSet,
      recursiveLoop: "Terminate",
      description: "Stackyard: asks the distributor for all artifacts.",
      timeoutSeconds: toNumberOf(wait, TIMEOUT_SECONDS),
      permissions: [
        askForInitialSet(initialSetRoleArn, distributor.organizationId),
        ...toReceiptPermission(receiptBusArn),
      ],
      environment: {
        ...props.environment,
        ...capabilities,
        INITIAL_DISTRIBUTION_MACHINE: initialSetMachineArn,
        INITIAL_DISTRIBUTION_ROLE: initialSetRoleArn,
        INITIAL_DISTRIBUTION_REGION: props.region,
        EXTERNAL_ID: distributor.externalId,
        RECEIPT_BUS: receiptBusArn,
        ARTIFACTS_BUCKET: bucket,
        BUCKET_PREFIX: props.bucketPrefix,
      },
    });
    const trigger = new CfnResource(this, "InitialSetTrigger", {
      type: "Custom::InitialSetTrigger",
      properties: {
        ServiceToken: arn,
        ServiceTimeout: toNumberOf(wait, SERVICE_TIMEOUT_SECONDS),
        Version: version,
        Topic: distributor.topicArn,
        Bucket: bucket,
        Role: initialSetRoleArn,
        Machine: initialSetMachineArn,
        WaitForInitialSet: toFlag(wait),
        // CloudFormation sends another request only when a property has changed.
        ...present({ Transfer: capabilities.TRANSFER, Retire: capabilities.RETIRE }),
      },
    });
    for (const each of props.after) trigger.addResourceDependency(each);
  }
}

/** The permission to send events about a consumer to the distributor. */
export function toReceiptPermission(busArn: Given<string> | undefined) {
  return busArn === undefined ? [] : [mapGiven(busArn, sendReceipts)];
}
