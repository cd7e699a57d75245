import { PRESETS, type PresetName } from "@stackyard/executor-asg/releases";
import { type App, Aws, CfnCondition, CfnMapping, CfnOutput, Fn, type Stack, Token } from "aws-cdk-lib";
import {
  createLockTable,
  type ReleaseChoice,
  type ReleaseNames,
  Releases,
  toDefinition,
  toReleaseNames,
} from "../releases/releases.ts";
import { ReleasesAccount } from "../releases/releases-account.ts";
import { createClosedBucket } from "../stores.ts";
import { openTemplate, type TemplateParameters } from "./template-parameters.ts";
import { addFunctionAlarms, toCode, toFunctionSettings, toUploadSettings } from "./template-settings.ts";

const RELEASES_DESCRIPTION =
  "Stackyard: blue/green releases on Auto Scaling groups, by Step Functions. One for all accounts.";

/** Adds the template of the deployer of releases. It needs no yard. */
export function addReleasesTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "releases", RELEASES_DESCRIPTION);
  const choice = addReleaseChoice(stack, parameters);
  const releases = new Releases(stack, "Releases", {
    ...toFunctionSettings(parameters),
    ...addReleaseMemory(stack, parameters, choice.names),
    code: toCode(stack, parameters, "Releases"),
    preset: choice,
    ...toUploadSettings(parameters),
    keyArn: parameters.given("ReleaseKeyArn"),
    assumedRole: orElse(parameters, "AssumedRole", choice.names.assumedRole),
    externalId: parameters.given("AssumedRoleExternalId"),
    sessionTags: parameters.text("ReleaseSessionTags"),
    logLevel: parameters.text("LogLevel"),
  });
  addFunctionAlarms(stack, parameters, { Releases: releases.function });
  const told = [
    ["ReleasesFunctionName", releases.function.name, "Function."],
    // Named like the parameter of the other template that receives it.
    ["DeployerRoleArn", releases.function.role.roleArn, "Role of the function; roles in accounts trust it."],
    ["ReleasesStateMachineArn", releases.stateMachineArn, "State machine: who releases starts an execution of it."],
    ["ReleasesBucketName", releases.bucketName, "Bucket: who releases puts documents there first."],
    ["ReleasesLockTableName", releases.lockTableName, "Table of locks."],
  ] as const;
  for (const [name, value, description] of told) new CfnOutput(stack, name, { value, description });
  return stack;
}

/** Adds bucket and table, created unless they exist. */
function addReleaseMemory(stack: Stack, parameters: TemplateParameters, names: ReleaseNames) {
  const either = (parameter: "ExistingReleaseBucket" | "ExistingLockTable", make: (makes: CfnCondition) => string) => {
    const existing = parameters.text(parameter);
    const makes = new CfnCondition(stack, parameter.replace("Existing", "Makes"), {
      expression: Fn.conditionEquals(existing, ""),
    });
    return Token.asString(Fn.conditionIf(makes.logicalId, make(makes), existing));
  };
  const name = Fn.join("", [names.bucketPrefix, Aws.ACCOUNT_ID]);
  const keyArn = parameters.given("ReleaseKeyArn");
  return {
    bucket: either(
      "ExistingReleaseBucket",
      (condition) => createClosedBucket(stack, "ReleaseBucket", { name, condition, keyArn }).ref,
    ),
    lockTable: either(
      "ExistingLockTable",
      (condition) => createLockTable(stack, "LockTable", { name: names.lockTable, condition }).ref,
    ),
  };
}

const ACCOUNT_DESCRIPTION = "Stackyard: the role that the deployer of releases takes in an account.";

/** Adds the template for an account that releases deploy to. The role has a name: it needs `CAPABILITY_NAMED_IAM`. */
export function addReleasesAccountTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "releases-account", ACCOUNT_DESCRIPTION);
  const names = addReleaseNames(stack, ["assumedRole", "profileRoot", "placementRoot"]);
  const account = new ReleasesAccount(stack, "Releases", {
    // The deployer's resources are not in this account.
    preset: { ...names, function: "", bucketPrefix: "", lockTable: "" },
    deployerRoleArn: parameters.text("DeployerRoleArn"),
    roleName: orElse(parameters, "AssumedRole", names.assumedRole),
    externalId: parameters.given("AssumedRoleExternalId"),
    ...toScope(parameters),
    passRoleArns: toPassedRoles(parameters, names.profileRoot),
    permissionsBoundaryArn: parameters.given("PermissionsBoundaryArn"),
  });
  new CfnOutput(stack, "AssumedRoleArn", { value: account.roleArn, description: "The role of releases." });
  return stack;
}

/** Returns the scope. Without session tags, projects cannot be distinguished. */
function toScope(parameters: TemplateParameters) {
  const isTagged = parameters.condition("HasSessionTags", "ReleaseSessionTags", "true");
  const own = (tag: string) => Token.asString(Fn.conditionIf(isTagged.logicalId, `\${aws:PrincipalTag/${tag}}`, "*"));
  return { project: own("ProjectName"), config: own("ConfigName") };
}

function toPassedRoles(parameters: TemplateParameters, profileRoot: string): readonly string[] {
  const { condition, value } = parameters.givenList("PassedRoleArns");
  const own = Fn.join("", ["arn:", Aws.PARTITION, ":iam::", Aws.ACCOUNT_ID, ":role", profileRoot, "*"]);
  return Token.asList(Fn.conditionIf(condition.logicalId, value, [own]));
}

const COLUMNS = {
  function: "Function",
  bucketPrefix: "BucketPrefix",
  lockTable: "LockTable",
  assumedRole: "AssumedRole",
  profileRoot: "ProfileRoot",
  placementRoot: "PlacementRoot",
} as const satisfies Record<keyof ReleaseNames, string>;

/** Returns the names for the preset parameter: a row of a mapping in the template. `columns`: the required ones. */
export function addReleaseNames<Column extends keyof ReleaseNames>(
  stack: Stack,
  columns: readonly Column[],
): Pick<ReleaseNames, Column> {
  const presets = Object.keys(PRESETS).filter((name): name is PresetName => Object.hasOwn(PRESETS, name));
  const mapping = Object.fromEntries(
    presets.map((preset) => {
      const names = toReleaseNames(preset);
      return [preset, Object.fromEntries(columns.map((column) => [COLUMNS[column], names[column]]))];
    }),
  );
  const { logicalId } = new CfnMapping(stack, "ReleaseNames", { mapping });
  const find = (column: Column) => Fn.findInMap(logicalId, Fn.ref("ReleasesPreset"), COLUMNS[column]);
  // Every requested column is present.
  return Object.fromEntries(columns.map((column) => [column, find(column)])) as Pick<ReleaseNames, Column>;
}

/** Returns the preset that a parameter chooses. */
export function addReleaseChoice(stack: Stack, parameters: TemplateParameters): ReleaseChoice {
  const isSeed = new CfnCondition(stack, "IsStepAsgDeployer", {
    expression: Fn.conditionEquals(parameters.text("ReleasesPreset"), "step-asg-deployer"),
  });
  const names = addReleaseNames(stack, ["function", "bucketPrefix", "lockTable", "assumedRole"]);
  return {
    preset: parameters.text("ReleasesPreset"),
    // The function needs no paths: it receives the preset.
    names: { ...names, profileRoot: "", placementRoot: "" },
    definition: Fn.conditionIf(isSeed.logicalId, toDefinition("step-asg-deployer"), toDefinition("odin")),
  };
}

/** Returns an optional name, or its default. */
export function orElse(parameters: TemplateParameters, name: "AssumedRole", otherwise: string): string {
  const { condition, value } = parameters.given(name);
  return Token.asString(Fn.conditionIf(condition.logicalId, value, otherwise));
}
