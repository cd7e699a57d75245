import { Aws, type CfnCondition, CfnResource, Fn, type IResolvable, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** A value that is there only where a condition of the template holds. */
export interface Conditional<Value> {
  readonly condition: CfnCondition;
  readonly value: Value;
}

/** A value, or one under a condition: templates leave to their parameters what a program says outright. */
export type Given<Value> = Value | Conditional<Value>;

/** A value under a condition. */
export function onlyIf<Value>(condition: CfnCondition, value: Value): Conditional<Value> {
  return { condition, value };
}

/**
 * The template value for a setting that may be left open. The constructs convert the names of properties for the template
 * (`subnetIds`, `SubnetIds`), but not behind a condition: this function converts the names of the part itself there.
 */
export function toCfn<Value, Cfn>(given: Given<Value>, toPart: (value: Value) => Cfn): Cfn | IResolvable {
  if (!isConditional(given)) return toPart(given);
  return Fn.conditionIf(given.condition.logicalId, spellNames(toPart(given.value)), Aws.NO_VALUE);
}

/** The same where the template has a text. */
export function toCfnText(given: Given<string>): string {
  return isConditional(given) ? Token.asString(toCfn(given, (value) => value)) : given;
}

/** The same where the template has a number. */
export function toCfnNumber(given: Given<number>): number {
  return isConditional(given) ? Token.asNumber(toCfn(given, (value) => value)) : given;
}

/** The same where the template has a list of texts. */
export function toCfnList(given: Given<readonly string[]>): string[] {
  return isConditional(given) ? Token.asList(toCfn(given, (value) => value)) : [...given];
}

/** The value, whether or not its condition holds. */
export function toValue<Value>(given: Given<Value>): Value {
  return isConditional(given) ? given.value : given;
}

/** The condition under which the value is there. Undefined: always. */
export function findCondition(given: Given<unknown>): CfnCondition | undefined {
  return isConditional(given) ? given.condition : undefined;
}

/** Another value under the same condition. */
export function mapGiven<Value, Mapped>(given: Given<Value>, map: (value: Value) => Mapped): Given<Mapped> {
  return isConditional(given) ? onlyIf(given.condition, map(given.value)) : map(given);
}

function isConditional<Value>(given: Given<Value>): given is Conditional<Value> {
  return typeof given === "object" && given !== null && "condition" in given && "value" in given;
}

/** Names of properties as templates spell them. */
export function spellNames(part: unknown): unknown {
  if (typeof part !== "object" || part === null || Array.isArray(part) || Token.isUnresolved(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
  );
}

/** Without what is undefined: the constructs take no property that is there and is nothing. */
export function present<Props extends object>(props: Props): { [Key in keyof Props]?: Exclude<Props[Key], undefined> } {
  const entries = Object.entries(props).filter(([, value]) => value !== undefined);
  // Only keys of Props are left, and none of them is undefined.
  return Object.fromEntries(entries) as { [Key in keyof Props]?: Exclude<Props[Key], undefined> };
}

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
