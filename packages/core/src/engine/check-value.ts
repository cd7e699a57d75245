import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";

const compiled = new WeakMap<object, Validator>();
const FAULTS_SHOWN = 5;

/** The faults of a value by JSON pointer, as one sentence; undefined when it fits. Schemas are compiled once. */
export function findFaults(schema: TSchema | undefined, value: unknown): string | undefined {
  if (schema === undefined) return undefined;
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  if (validator.Check(value)) return undefined;
  const faults = validator.Errors(value).slice(0, FAULTS_SHOWN);
  return faults.map(({ instancePath, message }) => `${instancePath === "" ? "/" : instancePath} ${message}`).join("; ");
}
