import { Aws, CfnCondition, Fn, type Stack, Token } from "aws-cdk-lib";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import type { StoreChoices } from "../functions/yard-settings.ts";
import { onlyIf } from "../given.ts";
import type { TableAddress } from "../store/yard-store.ts";
import { createStacksTable, createWorkTable, toTableAddress } from "../store/yard-tables.ts";
import type { ParameterName } from "./parameter-definitions.ts";
import type { TemplateParameters } from "./template-parameters.ts";

/** The store of a template that makes one: a database whose secret is named, else tables, made unless they are named. */
export function addStores(stack: Stack, parameters: TemplateParameters): StoreChoices {
  const secret = parameters.given("ConnectionSecretArn");
  const usesTables = parameters.condition("UsesTables", "ConnectionSecretArn", "");
  const yard = parameters.text("YardName");
  const makes = (name: "ExistingStacksTable" | "ExistingWorkTable") =>
    new CfnCondition(stack, name.replace("Existing", "Makes"), {
      expression: Fn.conditionAnd(usesTables, Fn.conditionEquals(parameters.text(name), "")),
    });
  const makesStacks = makes("ExistingStacksTable");
  const makesWork = makes("ExistingWorkTable");
  const stacks = createStacksTable(stack, "StacksTable", {
    name: `stackyard-${yard}-stacks`,
    condition: makesStacks,
  });
  const work = createWorkTable(stack, "WorkTable", { name: `stackyard-${yard}-stacks-work`, condition: makesWork });
  const toAddress = (condition: CfnCondition, table: CfnTable, existing: ParameterName) =>
    either(condition, toTableAddress(table), toExistingTable(parameters.text(existing)));
  return [
    onlyIf(usesTables, {
      kind: "dynamodb",
      stacks: toAddress(makesStacks, stacks, "ExistingStacksTable"),
      work: toAddress(makesWork, work, "ExistingWorkTable"),
    }),
    onlyIf(secret.condition, { kind: "postgres", secretArn: secret.value }),
  ];
}

/** Returns the store of a template, which may have one or none. */
export function findStores(parameters: TemplateParameters): StoreChoices {
  const stacks = parameters.given("StacksTable");
  const secret = parameters.given("ConnectionSecretArn");
  return [
    onlyIf(stacks.condition, {
      kind: "dynamodb",
      stacks: toExistingTable(stacks.value),
      work: toExistingTable(parameters.text("WorkTable")),
    }),
    onlyIf(secret.condition, { kind: "postgres", secretArn: secret.value }),
  ];
}

function either(condition: CfnCondition, one: TableAddress, other: TableAddress): TableAddress {
  const choose = (ofOne: string, ofOther: string) =>
    Token.asString(Fn.conditionIf(condition.logicalId, ofOne, ofOther));
  return { arn: choose(one.arn, other.arn), name: choose(one.name, other.name) };
}

function toExistingTable(name: string): TableAddress {
  return { name, arn: `arn:${Aws.PARTITION}:dynamodb:${Aws.REGION}:${Aws.ACCOUNT_ID}:table/${name}` };
}
