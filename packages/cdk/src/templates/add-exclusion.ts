import { CfnRule, Fn, type Stack } from "aws-cdk-lib";
import type { ParameterName } from "./parameter-definitions.ts";

/** A parameter and one of its values. */
export type Choice = readonly [parameter: ParameterName, value: string];

/** Makes the deployment fail before it creates anything if two choices conflict. */
export function addExclusion(stack: Stack, [one, value]: Choice, [other, forbidden]: Choice): void {
  new CfnRule(stack, `${one}Excludes${other}`, {
    ruleCondition: Fn.conditionEquals(Fn.ref(one), value),
    assertions: [
      {
        assert: Fn.conditionNot(Fn.conditionEquals(Fn.ref(other), forbidden)),
        assertDescription: `${one} is ${value}: ${other} cannot be ${forbidden}.`,
      },
    ],
  });
}
