import { type App, Aws, CfnCondition, CfnOutput, Fn, type Stack, Token } from "aws-cdk-lib";
import { FunctionAlarms } from "../alarms/function-alarms.ts";
import { createLockTable, createReleaseBucket } from "../releases/release-memory.ts";
import type { ReleaseNames } from "../releases/release-names.ts";
import { Releases } from "../releases/releases.ts";
import { PARAMETERS_OF } from "./parameters-of.ts";
import { addReleaseChoice, orElse } from "./releases-choice.ts";
import { addParameters, type TemplateParameters } from "./template-parameters.ts";
import { toCode, toFunctionSettings } from "./template-settings.ts";
import { TemplateStack } from "./template-stack.ts";

const DESCRIPTION = "Stackyard: blue/green releases on Auto Scaling groups, by Step Functions. One for all accounts.";

/** Adds the template of the deployer of releases. It needs no yard. */
export function addReleasesTemplate(app: App): Stack {
  const stack = new TemplateStack(app, "releases", DESCRIPTION);
  const parameters = addParameters(stack, PARAMETERS_OF.releases);
  const choice = addReleaseChoice(stack, parameters);
  const releases = new Releases(stack, "Releases", {
    ...toFunctionSettings(parameters),
    ...addReleaseMemory(stack, parameters, choice.names),
    code: toCode(stack, parameters, "Releases"),
    preset: choice,
    keyArn: parameters.given("ReleaseKeyArn"),
    assumedRole: orElse(parameters, "AssumedRole", choice.names.assumedRole),
    externalId: parameters.given("AssumedRoleExternalId"),
    sessionTags: parameters.text("ReleaseSessionTags"),
    logLevel: parameters.text("LogLevel"),
  });
  new FunctionAlarms(stack, "Alarm", {
    topicArns: parameters.givenList("AlarmTopicArns"),
    functions: { Releases: releases.function },
  });
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

/** Bucket and table, created unless they exist. */
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
      (condition) => createReleaseBucket(stack, "ReleaseBucket", { name, condition, keyArn }).ref,
    ),
    lockTable: either(
      "ExistingLockTable",
      (condition) => createLockTable(stack, "LockTable", { name: names.lockTable, condition }).ref,
    ),
  };
}
