import { defined } from "@stackyard/core";
import { CfnPermission, CfnUrl, type Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { AppFunction, type FunctionSettings } from "./app-function.ts";
import { CallFunction } from "./function-triggers.ts";
import { type Given, mapGiven } from "./given.ts";
import { allow, type Permission } from "./policies/statement.ts";
import {
  type BucketPrefix,
  readObjects,
  sendTo,
  toExecutorPermissions,
  toPrefix,
} from "./policies/yard-permissions.ts";
import type { QueueAddress } from "./queues.ts";
import {
  DEFAULT_YARD,
  type StoreChoices,
  toYardEnvironment,
  toYardPermissions,
  type Variables,
  type YardSettings,
} from "./yard-settings.ts";

/** The input of the services of a yard's plugins. */
export interface ServicesProps extends YardSettings, FunctionSettings {
  readonly code: Code;
  readonly queues: { readonly events: QueueAddress };
  readonly stores: StoreChoices;
  /** Where machines are: YAML files under a prefix. */
  readonly machines: BucketPrefix;
  /** Where the project's files are: `stackyard.config.json`, mapping documents, `notifications.yaml`. */
  readonly project: BucketPrefix;
  /** Secrets of Secrets Manager that options of plugins refer to: their ARNs. Default: none. */
  readonly secretArns?: Given<readonly string[]>;
  /** Roles in other accounts that services assume: their ARNs. Default: none. */
  readonly targetRoleArns?: Given<readonly string[]>;
  /** Managed policies of the account besides, for services that call AWS. */
  readonly managedPolicyArns?: Given<readonly string[]>;
  /** Variables besides. */
  readonly environment?: Variables;
}

/** A tick ends before the next one begins. */
const TIMEOUT_SECONDS = 58;

/** The function that receives webhooks at its own address, and runs services each minute. */
export class Services extends Construct {
  readonly function: AppFunction;
  /** Its public address, with a slash at its end. Services check their senders themselves. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: ServicesProps) {
    super(scope, id);
    const { yardName = DEFAULT_YARD, queues, stores, machines, project, secretArns, targetRoleArns } = props;
    this.function = new AppFunction(this, "App", {
      ...props,
      functionName: `stackyard-${yardName}-services`,
      logGroupName: `/stackyard/${yardName}/services`,
      description: `Stackyard, yard ${yardName}: receives webhooks and runs services of plugins.`,
      timeoutSeconds: TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      permissions: [
        { name: "Events", statements: [sendTo("Send", queues.events.arn)] },
        readObjects("Machines", machines),
        readObjects("Project", project),
        ...(secretArns === undefined ? [] : [mapGiven(secretArns, readSecrets)]),
        ...toExecutorPermissions(defined({ targetRoleArns })),
        ...toYardPermissions(props, stores),
      ],
      environment: {
        SQS_EVENT_QUEUE_URL: queues.events.url,
        MACHINE_LOCATOR: "S3",
        MACHINE_S3_BUCKET: machines.bucket,
        MACHINE_S3_KEY: toPrefix(machines),
        PROJECT_BUCKET: project.bucket,
        PROJECT_PREFIX: toPrefix(project),
        ...toYardEnvironment(props, stores),
        ...props.environment,
      },
    });
    const { name: functionName, arn: functionArn } = this.function;
    this.url = addPublicUrl(this, { functionName, functionArn });
    new CallFunction(this, "Minute", {
      functionName,
      functionArn,
      description: "Lets the services of plugins see what is due.",
      schedule: "rate(1 minute)",
    });
  }
}

function readSecrets(arns: readonly string[]): Permission {
  return { name: "Secrets", statements: [allow("Read", ["secretsmanager:GetSecretValue"], arns)] };
}

/**
 * Adds a public URL: code hosts cannot sign for IAM. It needs both permissions ("Control access to Lambda function
 * URLs").
 */
function addPublicUrl(
  scope: Construct,
  { functionName, functionArn }: { readonly functionName: string; readonly functionArn: string },
): string {
  const url = new CfnUrl(scope, "Url", { authType: "NONE", targetFunctionArn: functionArn });
  const everyone = { functionName, principal: "*" };
  new CfnPermission(scope, "UrlPermission", {
    ...everyone,
    action: "lambda:InvokeFunctionUrl",
    functionUrlAuthType: "NONE",
  });
  new CfnPermission(scope, "UrlCallPermission", {
    ...everyone,
    action: "lambda:InvokeFunction",
    invokedViaFunctionUrl: true,
  });
  return url.attrFunctionUrl;
}
