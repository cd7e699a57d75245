import type { PresetName } from "@stackyard/executor-asg/releases";
import { Aws, Fn } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { AppFunction, type FunctionSettings } from "../functions/app-function.ts";
import { createAppRole } from "../functions/app-role.ts";
import { type Given, mapGiven } from "../given.ts";
import { deployReleases, readEncrypted } from "../policies/release-deployer-permissions.ts";
import { allow } from "../policies/statement.ts";
import { type ReleaseChoice, toReleaseChoice } from "./release-choice.ts";
import { createLockTable, createReleaseBucket } from "./release-memory.ts";

/** What the deployer of releases needs. */
export interface ReleasesProps extends FunctionSettings {
  readonly code: Code;
  /** What things are called: `stackyard`, or as a predecessor called them. Default: `stackyard`. */
  readonly preset?: PresetName | ReleaseChoice;
  /** A bucket that is there. Default: one is made, called by the preset and the account. */
  readonly bucket?: string;
  /** A table of locks that is there. Default: one is made, called by the preset. */
  readonly lockTable?: string;
  /** The customer's key of the bucket's objects. Default: S3's own. */
  readonly keyArn?: Given<string>;
  /** The role in each account: its name. Default: the preset's. */
  readonly assumedRole?: string;
  /** What that role asks for. */
  readonly externalId?: Given<string>;
  /** Whether sessions in accounts are tagged by project and config. Default: `true`. */
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
      },
    });
    this.stateMachineArn = this.#makeStateMachine(choice, props).ref;
  }

  #makeBucket({ names }: ReleaseChoice, keyArn: Given<string> | undefined): string {
    const name = Fn.join("", [names.bucketPrefix, Aws.ACCOUNT_ID]);
    return createReleaseBucket(this, "Bucket", { name, keyArn }).ref;
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
