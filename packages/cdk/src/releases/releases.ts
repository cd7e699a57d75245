import { PRESETS, type PresetName, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { Aws, type CfnCondition, Fn, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { AppFunction, createAppRole, type FunctionSettings } from "../app-function.ts";
import { type Given, mapGiven } from "../given.ts";
import { deployReleases, readEncrypted } from "../policies/release-permissions.ts";
import { allow } from "../policies/statement.ts";
import { createClosedBucket } from "../stores.ts";
import { toUploadEnvironment, toUploadPermissions, type UploadSettings } from "../upload-encryption.ts";

/** The input of the deployer of releases. */
export interface ReleasesProps extends FunctionSettings, UploadSettings {
  readonly code: Code;
  /** The names: `stackyard`, or those of a predecessor. Default: `stackyard`. */
  readonly preset?: PresetName | ReleaseChoice;
  /** A bucket that is there. Default: one is made, called by the preset and the account. */
  readonly bucket?: string;
  /** A table of locks that is there. Default: one is made, called by the preset. */
  readonly lockTable?: string;
  /** The customer's key for the bucket's objects. Default: S3's own. */
  readonly keyArn?: Given<string>;
  /** The role in each account: its name. Default: the preset's. */
  readonly assumedRole?: string;
  /** The external id that the role requires. */
  readonly externalId?: Given<string>;
  /** Tags sessions in accounts by project and config. Default: `true`. */
  readonly sessionTags?: boolean | string;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
}

/** "Lambda quotas" allow 900; a state takes seconds, and the predecessor's function had 300. */
const TIMEOUT_SECONDS = 300;

/** The deployer of releases on Auto Scaling groups: function, state machine, bucket and table of locks. One for all accounts. */
export class Releases extends Construct {
  readonly function: AppFunction;
  readonly stateMachineArn: string;
  readonly bucketName: string;
  readonly lockTableName: string;

  constructor(scope: Construct, id: string, props: ReleasesProps) {
    super(scope, id);
    const { preset = "stackyard", keyArn } = props;
    const choice = typeof preset === "string" ? toReleaseChoice(preset) : preset;
    const { names } = choice;
    const { assumedRole = names.assumedRole } = props;
    this.bucketName = props.bucket ?? this.#makeBucket(choice, keyArn);
    this.lockTableName = props.lockTable ?? createLockTable(this, "Locks", { name: names.lockTable }).ref;
    this.function = new AppFunction(this, "App", {
      ...props,
      functionName: names.function,
      timeoutSeconds: TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      logGroupName: `/stackyard/${names.function}`,
      description: "Stackyard: releases on Auto Scaling groups, a state at a time.",
      permissions: [
        ...deployReleases({ bucket: this.bucketName, lockTable: this.lockTableName, assumedRole }),
        ...(keyArn === undefined ? [] : [mapGiven(keyArn, readEncrypted)]),
        ...toUploadPermissions(props),
      ],
      environment: {
        ACCOUNT_ID: Aws.ACCOUNT_ID,
        RELEASES_PRESET: choice.preset,
        BUCKET: this.bucketName,
        LOCK_TABLE: this.lockTableName,
        ASSUMED_ROLE: assumedRole,
        EXTERNAL_ID: props.externalId,
        SESSION_TAGS: props.sessionTags === undefined ? undefined : String(props.sessionTags),
        LOG_LEVEL: props.logLevel,
        ...toUploadEnvironment(props),
      },
    });
    this.stateMachineArn = this.#makeStateMachine(choice, props).ref;
  }

  /** Creates the bucket of documents, user data, halts and locks. It is retained, because it records all releases. */
  #makeBucket({ names }: ReleaseChoice, keyArn: Given<string> | undefined): string {
    const name = Fn.join("", [names.bucketPrefix, Aws.ACCOUNT_ID]);
    return createClosedBucket(this, "Bucket", { name, keyArn }).ref;
  }

  #makeStateMachine({ names, definition }: ReleaseChoice, { permissionsBoundaryArn }: ReleasesProps): CfnStateMachine {
    const role = createAppRole(this, "StatesRole", {
      description: "Stackyard: takes releases from state to state.",
      service: "states.amazonaws.com",
      permissions: [{ name: "Steps", statements: [allow("Call", ["lambda:InvokeFunction"], this.function.arn)] }],
      permissionsBoundaryArn,
    });
    return new CfnStateMachine(this, "StateMachine", {
      stateMachineName: names.function,
      roleArn: role.attrArn,
      definition,
      definitionSubstitutions: { FunctionArn: this.function.arn },
    });
  }
}

/** A preset with all its values; templates choose it by a parameter. */
export interface ReleaseChoice {
  /** Its name, or the parameter that contains it. */
  readonly preset: string;
  readonly names: ReleaseNames;
  /** The state machine, with `${FunctionArn}` for the function; an object, or a template condition that chooses between two. */
  readonly definition: object;
}

/** Returns the values of a preset. */
export function toReleaseChoice(preset: PresetName): ReleaseChoice {
  return { preset, names: toReleaseNames(preset), definition: toDefinition(preset) };
}

/** Returns the states of a preset's releases. Errors of Lambda itself are retried. */
export function toDefinition(preset: PresetName): object {
  return toReleaseStateMachine({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    functionArn: "${FunctionArn}",
    generation: PRESETS[preset].generation,
    retryInvocations: true,
  });
}

/** The names of an installation of releases. */
export interface ReleaseNames {
  /** The function; the state machine too. */
  readonly function: string;
  /** The deployer's account follows. */
  readonly bucketPrefix: string;
  readonly lockTable: string;
  /** The role in each account. */
  readonly assumedRole: string;
  /** Root of the paths of instance profiles, and of their roles. */
  readonly profileRoot: string;
  /** Root of the names of placement groups. */
  readonly placementRoot: string;
}

/** The function of a preset has the predecessor's name. */
const FUNCTIONS = {
  stackyard: "stackyard-releases",
  odin: "coinbase-odin",
  "step-asg-deployer": "coinbase-step-asg-deployer",
} as const satisfies Readonly<Record<PresetName, string>>;

/** Returns the names of a preset. The lock table is named like the function, in lower case, plus `-locks`. */
export function toReleaseNames(preset: PresetName): ReleaseNames {
  const { bucketPrefix, assumedRole, profileRoot, placementRoot, lockTableSuffix } = PRESETS[preset];
  const name = FUNCTIONS[preset];
  return {
    function: name,
    lockTable: `${name.toLowerCase()}${lockTableSuffix}`,
    bucketPrefix,
    assumedRole,
    profileRoot,
    placementRoot,
  };
}

/** Settings of a resource. */
export interface MadeThing {
  readonly name: string;
  /** The condition under which it exists. */
  readonly condition?: CfnCondition | undefined;
}

/** Creates the table of locks, with the predecessor's key. It is retained. */
export function createLockTable(scope: Construct, id: string, { name, condition }: MadeThing): CfnTable {
  const table = new CfnTable(scope, id, {
    tableName: name,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: [{ attributeName: "key", attributeType: "S" }],
    keySchema: [{ attributeName: "key", keyType: "HASH" }],
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.RETAIN);
  if (condition !== undefined) table.cfnOptions.condition = condition;
  return table;
}
