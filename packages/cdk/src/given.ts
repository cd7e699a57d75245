import { Aws, type CfnCondition, CfnResource, Fn, type IResolvable, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** A value that exists only if a condition of the template is true. */
export interface Conditional<Value> {
  readonly condition: CfnCondition;
  readonly value: Value;
}

/** A value, or one under a condition: templates use parameters for values that a program sets directly. */
export type Given<Value> = Value | Conditional<Value>;

/** Returns a value under a condition. */
export function onlyIf<Value>(condition: CfnCondition, value: Value): Conditional<Value> {
  return { condition, value };
}

/**
 * Returns the template value for an optional setting. The constructs convert the names of properties for the template
 * (`subnetIds`, `SubnetIds`), except under a condition: this function converts the names of the part itself there.
 */
export function toCfn<Value, Cfn>(given: Given<Value>, toPart: (value: Value) => Cfn): Cfn | IResolvable {
  if (!isConditional(given)) return toPart(given);
  return Fn.conditionIf(given.condition.logicalId, spellNames(toPart(given.value)), Aws.NO_VALUE);
}

/** Returns the same for a text in the template. */
export function toCfnText(given: Given<string>): string {
  return isConditional(given) ? Token.asString(toCfn(given, (value) => value)) : given;
}

/** Returns the same for a number in the template. */
export function toCfnNumber(given: Given<number>): number {
  return isConditional(given) ? Token.asNumber(toCfn(given, (value) => value)) : given;
}

/** Returns the same for a list of texts in the template. */
export function toCfnList(given: Given<readonly string[]>): string[] {
  return isConditional(given) ? Token.asList(toCfn(given, (value) => value)) : [...given];
}

/** Returns the value, whether or not its condition is true. */
export function toValue<Value>(given: Given<Value>): Value {
  return isConditional(given) ? given.value : given;
}

/** Returns the condition of the value; undefined without one. */
export function findCondition(given: Given<unknown>): CfnCondition | undefined {
  return isConditional(given) ? given.condition : undefined;
}

/** Returns another value under the same condition. */
export function mapGiven<Value, Mapped>(given: Given<Value>, map: (value: Value) => Mapped): Given<Mapped> {
  return isConditional(given) ? onlyIf(given.condition, map(given.value)) : map(given);
}

function isConditional<Value>(given: Given<Value>): given is Conditional<Value> {
  return typeof given === "object" && given !== null && "condition" in given && "value" in given;
}

/** Converts names of properties to those of templates. */
export function spellNames(part: unknown): unknown {
  if (typeof part !== "object" || part === null || Array.isArray(part) || Token.isUnresolved(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
  );
}

/** On or off directly in a program, or by a condition in a template. */
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

/** Makes everything that a construct has created exist only under the condition. */
export function makeOnlyWhere(condition: CfnCondition, construct: IConstruct): void {
  for (const each of construct.node.findAll()) {
    if (CfnResource.isCfnResource(each)) each.cfnOptions.condition = condition;
  }
}
