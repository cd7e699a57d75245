import type { ConfigReport, DocumentConfig } from "@stackyard/core";
import { Type } from "typebox";

/** Checks the config of a Lambda task in a machine. */
export function checkLambdaConfig(config: DocumentConfig, report: ConfigReport): void {
  report.unknownKeys([], { known: ["name", "args"], code: "config-unknown-key", owner: "a lambda config" });
  const { name, args } = config;
  if (name === undefined) {
    report.error("lambda-name-required", ["name"], "A lambda task needs name: the function's name or ARN.");
  } else if (typeof name !== "string" || name === "") {
    const message = `The function's name must be a text that is not empty, but it is ${report.describe(["name"])}.`;
    report.error("lambda-name-not-string", ["name"], message);
  }
  if (args === undefined) return;
  if (typeof args === "object" && args !== null && !Array.isArray(args)) report.ambiguousScalars(["args"]);
  else report.error("lambda-args-not-map", ["args"], `args must be a map, but it is ${report.describe(["args"])}.`);
}

const closed = { additionalProperties: false };
const AnyMap = Type.Record(Type.String(), Type.Unknown());
const Name = Type.String({ minLength: 1, description: "Function name or ARN." });
/** A text that holds an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** What editors know of the config in documents of either version. */
export const lambdaDocumentSchemas = {
  v1: Type.Object({ name: Name, args: Type.Optional(AnyMap) }, closed),
  v2: Type.Object({ name: Name, args: Type.Optional(Type.Union([AnyMap, Template])) }, closed),
};
