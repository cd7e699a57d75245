/** How the value of an argument is found. */
export interface ResolveContext {
  /** Resolves a value with all its parts. */
  resolve(value: unknown): unknown;
  /** Returns true if a condition is true. */
  holds(condition: string): boolean;
  readonly mappings: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

type TemplateFunction = (argument: unknown, context: ResolveContext) => unknown;

/** The functions of CloudFormation that need no resources. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  "Fn::If": (argument, { resolve, holds }) => {
    const [condition, yes, no] = toList(argument);
    return resolve(holds(String(condition)) ? yes : no);
  },
  "Fn::Join": (argument, { resolve }) => {
    const [separator, parts] = toList(argument);
    return toList(resolve(parts)).join(String(separator));
  },
  "Fn::Sub": (text, { resolve }) =>
    String(text).replaceAll(/\$\{(!?)([^}]+)\}/g, (_all, escaped: string, name: string) => {
      if (escaped !== "") return `\${${name}}`;
      const isAttribute = name.includes(".");
      return String(resolve(isAttribute ? { "Fn::GetAtt": name.split(".") } : { Ref: name }));
    }),
  "Fn::Split": (argument, { resolve }) => {
    const [separator, text] = toList(argument);
    return String(resolve(text)).split(String(separator));
  },
  "Fn::Select": (argument, { resolve }) => {
    const [index, parts] = toList(argument);
    return toList(resolve(parts))[Number(index)];
  },
  "Fn::FindInMap": (argument, { resolve, mappings }) => {
    const [map = "", row = "", column = ""] = toList(argument).map((part) => String(resolve(part)));
    return mappings[map]?.[row]?.[column] ?? fail(`There is no ${map} ${row} ${column}.`);
  },
  "Fn::Equals": (argument, { resolve }) => {
    const [one, other] = toList(argument).map((part) => String(resolve(part)));
    return one === other;
  },
  "Fn::Not": (argument, { resolve }) => !toList(argument).every((part) => resolve(part) === true),
  "Fn::And": (argument, { resolve }) => toList(argument).every((part) => resolve(part) === true),
  "Fn::Or": (argument, { resolve }) => toList(argument).some((part) => resolve(part) === true),
  Condition: (name, { holds }) => holds(String(name)),
};

/** Returns a list. Throws if the value is not one. */
export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : fail(`${JSON.stringify(value)} is not a list.`);
}

/** Throws this message. */
export function fail(message: string): never {
  throw new TypeError(message);
}
