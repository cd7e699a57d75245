import { type CfnCondition, CfnResource, Fn, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { type Given, onlyIf } from "../given.ts";

/** What is on or off outright in a program, and by a condition in a template. */
export type Switch = boolean | CfnCondition;

/** Returns `true` or `false` as a variable of a function. */
export function toFlag(on: Switch): string {
  return typeof on === "boolean" ? String(on) : Token.asString(Fn.conditionIf(on.logicalId, "true", "false"));
}

/** Returns one number if it is on, another if it is off. */
export function toNumberOf(on: Switch, numbers: { readonly on: number; readonly off: number }): number {
  if (typeof on === "boolean") return on ? numbers.on : numbers.off;
  return Token.asNumber(Fn.conditionIf(on.logicalId, numbers.on, numbers.off));
}

/** Returns a value that exists only if it is on. */
export function whereOn<Value>(on: Switch, value: Value): readonly Given<Value>[] {
  if (typeof on === "boolean") return on ? [value] : [];
  return [onlyIf(on, value)];
}

/** Makes everything that a construct creates depend on the switch. */
export function makeOnlyWhere(condition: CfnCondition, construct: IConstruct): void {
  for (const each of construct.node.findAll()) {
    if (CfnResource.isCfnResource(each)) each.cfnOptions.condition = condition;
  }
}
