import { CfnRule, Fn, type Stack } from "aws-cdk-lib";
import type { ParameterName } from "./parameter-definitions.ts";

/** A parameter that another one needs. */
export interface Requirement {
  readonly parameter: ParameterName;
  /** Default: any value but an empty one. */
  readonly value?: string;
  /** The parameter that must then not be empty. */
  readonly needs: ParameterName;
}

/** Makes the deployment fail before it creates anything if one parameter is set and the other is not. */
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
