import { defined } from "@stackyard/core";
import {
  type App,
  CfnCondition,
  CfnParameter,
  type CfnParameterProps,
  CfnRule,
  Fn,
  type ICfnConditionExpression,
  type Stack,
  Token,
} from "aws-cdk-lib";
import { type Conditional, onlyIf } from "../given.ts";
import { PARAMETERS, PARAMETERS_OF, type ParameterName } from "./parameter-definitions.ts";
import type { ParameterDefinition } from "./parameter-forms.ts";
import { TemplateStack } from "./template-stack.ts";

/** The parameters of one template. Throws for a parameter that it does not have, which is a bug. */
export interface TemplateParameters {
  text(name: ParameterName): string;
  number(name: ParameterName): number;
  list(name: ParameterName): string[];
  /** Returns the text, if it is not empty. */
  given(name: ParameterName): Conditional<string>;
  /** Returns the text as a number. */
  givenNumber(name: ParameterName): Conditional<number>;
  /** Returns the list, if it is not empty. */
  givenList(name: ParameterName): Conditional<readonly string[]>;
  /** Returns the text, if it is an ARN and not one of the words that the parameter allows as well. */
  givenArn(name: ParameterName): Conditional<string>;
  /** Creates a condition that is true if the parameter has that value. */
  condition(id: string, name: ParameterName, value: string): CfnCondition;
}

/** A template with its parameters. */
export interface OpenTemplate {
  readonly stack: Stack;
  readonly parameters: TemplateParameters;
}

/** Adds a template of that name to the app, with its parameters. */
export function openTemplate(app: App, name: keyof typeof PARAMETERS_OF, description: string): OpenTemplate {
  const stack = new TemplateStack(app, name, description);
  return { stack, parameters: addParameters(stack, PARAMETERS_OF[name]) };
}

/** Adds parameters to a template, grouped and in the order of their definitions. */
function addParameters(stack: Stack, names: readonly ParameterName[]): TemplateParameters {
  const wanted = Object.keys(PARAMETERS).filter((name): name is ParameterName => names.some((each) => each === name));
  const made = new Map(wanted.map((name) => [name, new CfnParameter(stack, name, toProps(PARAMETERS[name]))]));
  stack.templateOptions.metadata = { "AWS::CloudFormation::Interface": { ParameterGroups: toGroups(wanted) } };
  const conditions = new Map<string, CfnCondition>();

  function find(name: ParameterName): CfnParameter {
    const parameter = made.get(name);
    if (parameter === undefined) throw new TypeError(`The template has no parameter ${name}.`);
    return parameter;
  }

  function once(id: string, toExpression: () => ICfnConditionExpression): CfnCondition {
    const known = conditions.get(id);
    if (known !== undefined) return known;
    const condition = new CfnCondition(stack, id, { expression: toExpression() });
    conditions.set(id, condition);
    return condition;
  }

  const isGiven = (name: ParameterName, text: string) =>
    once(`Has${name}`, () => Fn.conditionNot(Fn.conditionEquals(text, "")));
  return {
    text: (name) => find(name).valueAsString,
    number: (name) => find(name).valueAsNumber,
    list: (name) => find(name).valueAsList,
    given: (name) => onlyIf(isGiven(name, find(name).valueAsString), find(name).valueAsString),
    givenNumber: (name) => onlyIf(isGiven(name, find(name).valueAsString), Token.asNumber(find(name).value)),
    givenList: (name) => onlyIf(isGiven(name, Fn.join("", find(name).valueAsList)), find(name).valueAsList),
    givenArn(name) {
      const { valueAsString: text } = find(name);
      const start = () => Fn.conditionEquals(Fn.select(0, Fn.split(":", text)), "arn");
      return onlyIf(once(`Is${name}Arn`, start), text);
    },
    condition: (id, name, value) => once(id, () => Fn.conditionEquals(find(name).valueAsString, value)),
  };
}

function toProps(definition: ParameterDefinition): CfnParameterProps {
  const { type = "String", description, values, pattern, constraint, min, max } = definition;
  return defined({
    type,
    description,
    allowedPattern: pattern,
    constraintDescription: constraint,
    // Values are texts here; linters reject a default that is a number.
    default: values === undefined ? definition.default : definition.default?.toString(),
    allowedValues: values?.map(String),
    minValue: min,
    maxValue: max,
  });
}

function toGroups(names: readonly ParameterName[]) {
  const groups = [...new Set(names.map((name) => PARAMETERS[name].group))];
  return groups.map((group) => ({
    Label: { default: group },
    Parameters: names.filter((name) => PARAMETERS[name].group === group),
  }));
}

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
  if (value === "") return `${parameter} is empty. Set it, or set ${needs}.`;
  return `${parameter} is ${value ?? "set"}. Set ${needs} too.`;
}

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
