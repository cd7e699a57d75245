import { defined } from "@stackyard/core";
import { Aws, Fn, RemovalPolicy, Token } from "aws-cdk-lib";
import { CfnRole, type IRole, Role } from "aws-cdk-lib/aws-iam";
import { CfnFunction, type Code } from "aws-cdk-lib/aws-lambda";
import { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import {
  type Conditional,
  type Given,
  mapGiven,
  spellNames,
  toCfn,
  toCfnList,
  toCfnNumber,
  toCfnText,
} from "./given.ts";
import type { Permission } from "./policies/statement.ts";
import { placeInSubnets, writeLogs } from "./policies/yard-permissions.ts";

/** Where in a network a function is placed. */
export interface Subnets {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** The settings of an app's function. */
export interface FunctionSettings {
  readonly memoryMb?: number;
  /** Days that logs are kept. Default: 30. */
  readonly logRetentionDays?: number;
  /** Default: none, so that functions share the account's limit. */
  readonly reservedConcurrency?: Given<number>;
  /** Default: in no network of the account's. */
  readonly subnets?: Given<Subnets>;
  readonly permissionsBoundaryArn?: Given<string>;
  /** Space under `/tmp`. Default: 512. */
  readonly temporaryMb?: number;
  /** `arm64` or `x86_64`. Default: `arm64`. */
  readonly architecture?: string;
}

/** The input of a function. */
export interface AppFunctionProps extends FunctionSettings {
  /** The name of the function; its log group is `/<yard>/<app>` under `/stackyard`. Default: names chosen by CloudFormation. */
  readonly functionName?: string;
  readonly logGroupName?: string;
  readonly description: string;
  readonly code: Code;
  /** An image instead of the code, if a condition of the template is true. */
  readonly image?: Conditional<string>;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, Given<string> | undefined>>;
  readonly permissions: readonly Given<Permission>[];
  readonly managedPolicyArns?: Given<readonly string[]>;
  /** The handler in the zip. Default: `index.handler`. */
  readonly handler?: string;
  /** `Terminate`: Lambda stops a function that invokes itself indirectly. Default: `Allow`. */
  readonly recursiveLoop?: "Allow" | "Terminate";
}

const HANDLER = "index.handler";
const RUNTIME = "nodejs24.x";
const DEFAULT_MEMORY_MB = 512;
const DEFAULT_RETENTION_DAYS = 30;

/**
 * A Lambda function with its role and its log group. Recursive loops are allowed: a state manager and a runner that
 * answer each other over queues are one by design, and the yard has its own limit (`AUTOMATIC_TRANSITIONS_PER_HOUR`).
 */
export class AppFunction extends Construct {
  readonly name: string;
  readonly arn: string;
  /** For additional policies. */
  readonly role: IRole;
  readonly logGroupName: string;

  constructor(scope: Construct, id: string, props: AppFunctionProps) {
    super(scope, id);
    const logGroup = new CfnLogGroup(this, "Logs", {
      ...defined({ logGroupName: props.logGroupName }),
      retentionInDays: props.logRetentionDays ?? DEFAULT_RETENTION_DAYS,
    });
    logGroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
    const role = createAppRole(this, "Role", {
      description: props.description,
      service: "lambda.amazonaws.com",
      permissions: [writeLogs(logGroup.attrArn), ...toSubnetPermission(props.subnets), ...props.permissions],
      managedPolicyArns: props.managedPolicyArns,
      permissionsBoundaryArn: props.permissionsBoundaryArn,
    });
    const made = new CfnFunction(this, "Function", {
      description: props.description,
      role: role.attrArn,
      timeout: props.timeoutSeconds,
      memorySize: props.memoryMb ?? DEFAULT_MEMORY_MB,
      architectures: [props.architecture ?? "arm64"],
      loggingConfig: { logGroup: logGroup.ref },
      recursiveLoop: props.recursiveLoop ?? "Allow",
      environment: { variables: toVariables(props.environment) },
      ...defined({
        functionName: props.functionName,
        ephemeralStorage: props.temporaryMb === undefined ? undefined : { size: props.temporaryMb },
      }),
      ...toCode(this, props),
      ...toSettings(props),
    });
    props.code.bindToResource(made);
    this.name = made.ref;
    this.arn = made.attrArn;
    this.role = Role.fromRoleArn(this, "RoleReference", role.attrArn);
    this.logGroupName = logGroup.ref;
  }
}

function toSubnetPermission(subnets: Given<Subnets> | undefined): readonly Given<Permission>[] {
  return subnets === undefined ? [] : [mapGiven(subnets, placeInSubnets)];
}

function toVariables(environment: AppFunctionProps["environment"]): Record<string, string> {
  const said = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, toCfnText(value)] as const],
  );
  return Object.fromEntries(said);
}

function toCode(scope: Construct, { code, image: choice, handler = HANDLER }: AppFunctionProps) {
  const { s3Location, inlineCode, image } = code.bind(scope);
  if (image !== undefined) return { packageType: "Image", code: { imageUri: image.imageUri } };
  const zip = defined({
    s3Bucket: s3Location?.bucketName,
    s3Key: s3Location?.objectKey,
    s3ObjectVersion: s3Location?.objectVersion,
    zipFile: inlineCode,
  });
  return choice === undefined ? { runtime: RUNTIME, handler, code: zip } : toChosenCode(choice, handler, zip);
}

function toChosenCode(
  { condition: { logicalId }, value: imageUri }: Conditional<string>,
  handler: string,
  zip: object,
) {
  const either = (ofImage: unknown, ofZip: unknown) => Fn.conditionIf(logicalId, ofImage, ofZip);
  return {
    packageType: Token.asString(either("Image", "Zip")),
    runtime: Token.asString(either(Aws.NO_VALUE, RUNTIME)),
    handler: Token.asString(either(Aws.NO_VALUE, handler)),
    code: either({ ImageUri: imageUri }, spellNames(zip)),
  };
}

function toSettings({ reservedConcurrency, subnets }: AppFunctionProps) {
  return defined({
    reservedConcurrentExecutions: reservedConcurrency === undefined ? undefined : toCfnNumber(reservedConcurrency),
    vpcConfig: subnets && toCfn(subnets, toVpcConfig),
  });
}

function toVpcConfig({ subnetIds, securityGroupIds }: Subnets): CfnFunction.VpcConfigProperty {
  return { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
}

/** The principal that assumes a role, and its permissions. */
export interface AppRoleProps {
  readonly description: string;
  /** A service, such as `lambda.amazonaws.com`. */
  readonly service: string;
  readonly permissions: readonly Given<Permission>[];
  /** Additional managed policies of the account. */
  readonly managedPolicyArns?: Given<readonly string[]> | undefined;
  readonly permissionsBoundaryArn?: Given<string> | undefined;
}

/** Creates a role. Each permission is an inline policy, so the role and its permissions are one resource. */
export function createAppRole(scope: Construct, id: string, props: AppRoleProps): CfnRole {
  const { description, service, permissions, managedPolicyArns, permissionsBoundaryArn } = props;
  return new CfnRole(scope, id, {
    description,
    assumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
    },
    policies: toRolePolicies(permissions),
    ...defined({
      managedPolicyArns: managedPolicyArns && toCfnList(managedPolicyArns),
      permissionsBoundary: permissionsBoundaryArn === undefined ? undefined : toCfnText(permissionsBoundaryArn),
    }),
  });
}

/** Returns one inline policy per permission. */
export function toRolePolicies(permissions: readonly Given<Permission>[]) {
  return permissions.map((permission) => toCfn(mapGiven(permission, toPolicy), (policy) => policy));
}

function toPolicy({ name, statements }: Permission): CfnRole.PolicyProperty {
  const Statement = statements.map((statement) => toCfn(statement, (always) => always));
  return { policyName: name, policyDocument: { Version: "2012-10-17", Statement } };
}

/** Timeout of the state manager in seconds: enough for a sweep of a large yard, and ten events at most. */
export const STATE_MANAGER_TIMEOUT_SECONDS = 60;

/** Timeout of the task runner in seconds: the maximum of Lambda. */
export const TASK_RUNNER_TIMEOUT_SECONDS = 900;
