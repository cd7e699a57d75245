import type { MachineListing } from "@stackyard/core";
import { type Finding, fail, ok, warn } from "@stackyard/sdk/commands";
import { openLocator } from "../open-locator.ts";
import type { YardScene } from "./yard-scene.ts";

/** The findings about a yard's machines. */
export interface CheckedMachines {
  readonly findings: readonly Finding[];
  /** Names of executors that they use. */
  readonly used: ReadonlySet<string>;
}

/** Reads all machines and checks each. Throws errors of S3 when they cannot be listed. */
export async function checkMachines({ parts, aws, deps }: YardScene): Promise<CheckedMachines> {
  const locator = await openLocator(parts.machines, { aws, ...deps });
  const { bucket, prefix } = parts.machines;
  return evaluateMachines(await locator.list(), `s3://${bucket}/${prefix}`);
}

/** Returns a finding for each machine. */
export function evaluateMachines(listings: readonly MachineListing[], place: string): CheckedMachines {
  if (listings.length === 0) {
    const hint = `Upload one: aws s3 cp machines/ ${place} --recursive`;
    return { findings: [warn("machines", `No machine found in ${place}.`, hint)], used: new Set() };
  }
  return { findings: listings.map(evaluateMachine), used: new Set(listings.flatMap(listExecutors)) };
}

function evaluateMachine({ name, origin, located }: MachineListing): Finding {
  if (located.kind === "unknown") return fail("machine", `${name}: ${origin} is gone.`, "Upload it again.");
  const problems = located.problems.map(({ line, column, code, message }) => `${line}:${column} ${code}: ${message}`);
  const [first = "", ...more] = problems;
  const rest = more.length === 0 ? "" : ` And ${more.length} more.`;
  const hint = "`stackyard validate` shows all of it.";
  if (located.kind === "invalid") return fail("machine", `${name} (${origin}) is invalid: ${first}${rest}`, hint);
  if (problems.length > 0) return warn("machine", `${name} (${origin}): ${first}${rest}`, hint);
  return ok("machine", `${name} (${origin}), revision ${located.revision.hash.slice(0, 12)}.`);
}

function listExecutors({ located }: MachineListing): readonly string[] {
  if (located.kind !== "found") return [];
  return [...located.machine.tasks.values()].flatMap(({ executor }) => (executor === undefined ? [] : [executor]));
}
