import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { type ResolvedTemplate, toJson } from "./resolve-template.ts";

type Database = ReturnType<typeof loadAwsServiceSpecSync>;
type Properties = ReturnType<typeof findProperties>;
type PropertyType = Properties[string]["type"];
type TypeOf<Kind extends PropertyType["type"]> = Extract<PropertyType, { type: Kind }>;

/** Read once: it has every resource of AWS. */
let everything: Database | undefined;

/** Checks every resource of a template against the schema that its service publishes. One line a problem. */
export function checkResources({ resources }: ResolvedTemplate): readonly string[] {
  everything ??= loadAwsServiceSpecSync();
  const database = everything;
  return Object.entries(resources).flatMap(([id, { type, properties }]) => {
    // Its function knows what it takes.
    if (type.startsWith("Custom::")) return [];
    if (database.lookup("resource", "cloudFormationType", "equals", type).length === 0)
      return [`${id}: unknown type ${type}.`];
    return checkProperties(database, findProperties(database, type), properties, id);
  });
}

function findProperties(database: Database, type: string) {
  return database.lookup("resource", "cloudFormationType", "equals", type).only().properties;
}

function checkProperties(database: Database, properties: Properties, given: unknown, path: string): readonly string[] {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return [`${path} must be an object.`];
  const values = toJson(given);
  const missing = Object.entries(properties).filter(([name, { required }]) => required && values[name] === undefined);
  return [
    ...missing.map(([name]) => `${path}.${name} is missing.`),
    ...Object.entries(values).flatMap(([name, value]) => {
      const property = properties[name];
      if (property === undefined) return [`${path}.${name} is not known.`];
      return checkValue(database, property.type, value, `${path}.${name}`);
    }),
  ];
}

function checkValue(database: Database, type: PropertyType, value: unknown, path: string): readonly string[] {
  switch (type.type) {
    case "string":
      return checkText(type, value, path);
    case "integer":
    case "number":
      return Number.isFinite(Number(value)) && typeof value !== "object" ? [] : [`${path} must be a number.`];
    case "boolean":
      return ["true", "false"].includes(String(value)) ? [] : [`${path} must be true or false.`];
    case "array":
      return checkList(database, type, value, path);
    case "map":
      return Object.entries(toJson(value)).flatMap(([key, each]) =>
        checkValue(database, type.element, each, `${path}.${key}`),
      );
    case "ref":
      return checkProperties(database, database.get("typeDefinition", type.reference.$ref).properties, value, path);
    case "union":
      return checkUnion(database, type, value, path);
    default:
      return [];
  }
}

function checkText({ allowedValues }: TypeOf<"string">, value: unknown, path: string): readonly string[] {
  if (typeof value === "object") return [`${path} must be a text.`];
  if (allowedValues === undefined || allowedValues.includes(String(value))) return [];
  return [`${path} must be one of ${allowedValues.join(", ")}, and is ${String(value)}.`];
}

function checkList(database: Database, type: TypeOf<"array">, value: unknown, path: string): readonly string[] {
  if (!Array.isArray(value)) return [`${path} must be a list.`];
  return value.flatMap((each, index) => checkValue(database, type.element, each, `${path}[${index}]`));
}

/** Checks a union: any member may match; for a list, only members that are lists. */
function checkUnion(database: Database, { types }: TypeOf<"union">, value: unknown, path: string): readonly string[] {
  const lists = Array.isArray(value) ? types.filter(({ type }) => type === "array") : [];
  const answers = (lists.length > 0 ? lists : types).map((each) => checkValue(database, each, value, path));
  return answers.find((problems) => problems.length === 0) ?? answers[0] ?? [];
}
