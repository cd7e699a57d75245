import { Check, Errors } from "typebox/value";
import { describeThrown } from "../../errors/describe-value.ts";
import { type CompileContext, onKey, onMissing, onValue, suggestOrList } from "../document/compile-context.ts";
import { findInside } from "../document/find-inside.ts";
import { type Field, findField, isMapField, type MapNode, toRecord } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";

/** The config of a registered executor's task against the executor's own schema: `config-invalid` for each fault. */
export function checkRegistered(context: CompileContext, config: Field<MapNode>, executor: ExecutorDefinition): void {
  try {
    for (const fault of Errors(executor.config, toRecord(config.node))) {
      checkFault(context, config, { fault, executor });
    }
  } catch (cause) {
    const why = describeThrown(cause);
    const message = `The schema of the executor ${quote(executor.name)} cannot be used: ${why.slice(0, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
  }
}

/** True when an empty config fits the executor. */
export function needsNoConfig({ config }: ExecutorDefinition): boolean {
  try {
    return Check(config, {});
  } catch {
    // A schema that cannot be used is told where there is a config to check.
    return false;
  }
}

type Fault = ReturnType<typeof Errors>[number];

function checkFault(context: CompileContext, config: Field<MapNode>, { fault, executor }: RegisteredFault): void {
  // Told already, with the key's name, by the fault of the map that may not have this key.
  if (fault.keyword === "boolean" && fault.schemaPath.endsWith("/additionalProperties")) return;
  const field = findByPointer(config, fault.instancePath);
  if (fault.keyword === "required") {
    for (const key of fault.params.requiredProperties) {
      const message = `This config of ${executor.name} needs ${quote(key)}.`;
      context.problems.error("config-invalid", onMissing(field, key), message);
    }
    return;
  }
  if (fault.keyword !== "additionalProperties" || !isMapField(field)) {
    context.problems.error("config-invalid", onValue(field), `The config of ${executor.name} ${fault.message} here.`);
    return;
  }
  const known = field === config ? findKnownKeys(executor) : [];
  for (const key of fault.params.additionalProperties) {
    const near = known.length > 0 ? suggestOrList(key, known) : "";
    const message = `${quote(key)} is no key of this config of ${executor.name}.${near}`;
    context.problems.error("config-invalid", onKey(findField(field, key) ?? field), message);
  }
}

interface RegisteredFault {
  readonly fault: Fault;
  readonly executor: ExecutorDefinition;
}

function findKnownKeys({ config }: ExecutorDefinition): readonly string[] {
  const properties: unknown = "properties" in config ? config.properties : undefined;
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}

function findByPointer(config: Field, pointer: string): Field {
  const segments = pointer.split("/").slice(1);
  return findInside(
    config,
    segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~")),
  );
}
