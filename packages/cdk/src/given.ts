import { Aws, type CfnCondition, Fn, type IResolvable, Token } from "aws-cdk-lib";

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
