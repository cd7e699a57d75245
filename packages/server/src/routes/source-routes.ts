import { hash } from "node:crypto";
import { type LocatedMachine, StackyardError } from "@stackyard/core";
import type { BulkPlan, MachineSource } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { Caller } from "../access/caller.ts";
import { checkWholeMachine, toUnknownMachine } from "../access/guard.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { chooseItems, planBulk, stalePlan } from "./bulk-items.ts";
import type { RouteDeps } from "./route-deps.ts";
import { parseDraft } from "./upgrade-routes.ts";

/** Defines the routes for the source documents of machines. */
export function sourceRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.getMachineSource, async ({ params: { name } }, { caller }) =>
      reply(200, await loadSource(deps, caller, name)),
    ),
    serve(deps, operations.writeMachineSource, async ({ params: { name }, body }, { caller, audit, signal }) => {
      const { sources } = deps;
      const { source, dryRun = false, plan } = body;
      // A new text acts on all stacks.
      checkWholeMachine(caller, name);
      if (sources === undefined) throw notConfigured();
      const planned =
        dryRun || plan !== undefined ? await planSource(deps, { name, source, caller, signal }) : undefined;
      if (dryRun && planned !== undefined)
        return reply(200, { ...(await loadSource(deps, caller, name)), plan: planned });
      if (planned?.digest !== plan) throw stalePlan();
      await audit({ on: { machine: name } }, () => sources.write(name, body));
      return reply(200, await loadSource(deps, caller, name));
    }),
  ];
}

/** Returns what the text would do to the stacks of the machine: to those that follow it, without an upgrade. */
async function planSource(
  deps: RouteDeps,
  given: { readonly name: string; readonly source: string; readonly caller: Caller; readonly signal: AbortSignal },
): Promise<BulkPlan> {
  const { name, source, caller, signal } = given;
  const draft = parseDraft(deps, { name, source });
  const message = { event: "UPGRADE_STACK" };
  const input = { operation: "upgrade", filter: { machine: name }, message, caller, draft } as const;
  const ids = await chooseItems(deps, input);
  return (await planBulk({ ...deps, now: deps.clock.now(), signal }, input, ids)).plan;
}

/** Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID` with the problems. */
async function loadSource(deps: RouteDeps, { rights }: Caller, name: string): Promise<MachineSource> {
  const found = await findSource(deps, name);
  if (found !== undefined) return found;
  const located = await deps.locator.find(name, { fresh: true });
  if (located.kind === "unknown") throw await toUnknownMachine(deps.locator, rights, name);
  const { problems } = located;
  throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
}

/** Returns the text of the machine's file; else of its newest revision. */
async function findSource({ locator, sources }: RouteDeps, name: string): Promise<MachineSource | undefined> {
  const file = await sources?.find(name);
  const located = await locator.find(name, { fresh: true });
  const problems = located.kind === "unknown" ? [] : located.problems;
  if (file !== undefined) {
    const { source, hash, origin, isWritable: writable } = file;
    return { machine: name, source, hash, origin, writable, problems };
  }
  const source = textOf(located);
  if (source === undefined) return undefined;
  const { origin = "" } = (await locator.list()).find((listing) => listing.name === name) ?? {};
  const digest = hash("sha256", source);
  return { machine: name, source, hash: digest, origin, writable: false, problems };
}

function textOf(located: LocatedMachine): string | undefined {
  if (located.kind === "unknown") return undefined;
  return located.kind === "found" ? located.revision.source : located.source;
}

function notConfigured(): StackyardError {
  return new StackyardError("NOT_CONFIGURED", "This server has no writable machine folder.", {
    details: { hint: "Save the document where the machines of the yard are kept, or use `stackyard dev`." },
  });
}
