import { CfnRule, Fn, type Stack } from "aws-cdk-lib";
import type { ParameterName } from "./parameter-definitions.ts";

/** A parameter that another one needs. */
export interface Requirement {
  readonly parameter: ParameterName;
  /** Default: any value but an empty one. */
  readonly value?: string;
  /** Must not be empty then. */
  readonly needs: ParameterName;
}

/** Refuses to deploy, before anything is made, where one parameter is given and the other is not. */
export function addRequirement(stack: Stack, { parameter, value, needs }: Requirement): void {
  const isEmpty = (name: ParameterName) => Fn.conditionEquals(Fn.ref(name), "");
  const isGiven =
    value === undefined ? Fn.conditionNot(isEmpty(parameter)) : Fn.conditionEquals(Fn.ref(parameter), value);
  new CfnRule(stack, `${parameter}Needs${needs}`, {
    ruleCondition: isGiven,
    assertions: [
      {
        assert: Fn.conditionNot(isEmpty(needs)),
        assertDescription: toDescription(parameter, value, needs),
      },
    ],
  });
}

function toDescription(parameter: ParameterName, value: string | undefined, needs: ParameterName): string {
  if (value === "") return `${parameter} is empty: give it, or ${needs}.`;
  return `${parameter} is ${value ?? "given"}: give ${needs} too.`;
}
