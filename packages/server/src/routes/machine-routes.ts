import { defined, type Locator, type MachineListing, StackyardError } from "@stackyard/core";
import { MachineGraph } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  createSimulation,
  type Graph,
  type Machine,
  readStep,
  toDot,
  toGraph,
  toMermaid,
} from "@stackyard/core/machine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { toUnknownMachine } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toMachineDetails, toMachineSummary } from "../schemas/machine.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageByName, pageInput } from "./to-page.ts";

/** Defines the routes for the yard's machines, and to simulate events on them without a yard. */
export function machineRoutes(deps: RouteDeps): readonly Route[] {
  const { locator, planner } = deps;
  return [
    serve(deps, operations.listMachines, async ({ query }, { caller }) => {
      const listed = (await listReadable(locator, caller)).map(toMachineSummary);
      return reply(200, pageByName(listed, pageInput({ limit: MOST_MACHINES, ...query })));
    }),
    serve(deps, operations.getMachine, async ({ params: { name } }, { caller }) => {
      const located = await locator.find(name, { fresh: true });
      if (located.kind === "unknown") throw await toUnknownMachine(locator, caller.rights, name);
      return reply(200, toMachineDetails(name, located));
    }),
    graphRoute(deps),
    serve(deps, operations.simulate, async ({ body: { steps, now } }, { caller }) => {
      const listed = await listReadable(locator, caller);
      const machines = new Map(
        listed.map(({ name, located }) => [name, located.kind === "found" ? located.machine : undefined]),
      );
      const found = await Promise.all(findHashes(steps).map((hash) => planner.findRevision(hash)));
      const kept = found.filter((machine) => machine !== undefined).filter(({ name }) => machines.has(name));
      const simulation = createSimulation(machines, { kept, ...defined({ now }) });
      return reply(200, { lines: steps.map((step) => simulation.step(step)) });
    }),
  ];
}

const MOST_MACHINES = 1_000;

async function listReadable(locator: Locator, caller: Caller): Promise<readonly MachineListing[]> {
  return (await locator.list()).filter(({ name }) => mayRead(caller, { kind: "machine", machine: name }));
}

const formats = Type.Enum(["json", "mermaid", "dot", "svg"], { description: "Default json." });

function graphRoute({ locator }: RouteDeps): Route {
  return defineRoute("GET", "/v1/machines/:name/graph", {
    operationId: "getMachineGraph",
    permission: "read",
    subject: "machine",
    tag: "machines",
    summary: "Draw a machine. Formats other than JSON are text with their own media type.",
    params: operations.getMachine.params,
    query: { format: Type.Optional(formats) },
    answers: {
      200: { description: "The drawing.", schema: MachineGraph },
      404: { description: "MACHINE_UNKNOWN" },
      422: { description: "MACHINE_INVALID: no revision can be drawn." },
    },
    async handle({ params: { name }, query: { format = "json" } }, { caller }) {
      return drawGraph(toGraph(await loadMachine(locator, caller, name)), format);
    },
  });
}

async function drawGraph(graph: Graph, format: "json" | "mermaid" | "dot" | "svg"): Promise<Response> {
  switch (format) {
    case "json":
      return json(200, graph);
    case "mermaid":
      return text(toMermaid(graph), "text/plain; charset=utf-8");
    case "dot":
      return text(toDot(graph), "text/vnd.graphviz; charset=utf-8");
    case "svg": {
      // The layout is read by those who draw.
      const { toSvg } = await import("@stackyard/core/drawing");
      return text(toSvg(graph), "image/svg+xml");
    }
  }
}

function text(body: string, type: string): Response {
  return new Response(body, { headers: { "content-type": type } });
}

/** Returns the revisions of the stacks at the start of the steps. */
function findHashes(steps: readonly unknown[]): readonly string[] {
  const hashes = steps.flatMap((each) => {
    const step = readStep(each, undefined);
    return step.kind === "stack" && step.stack.hash !== undefined ? [step.stack.hash] : [];
  });
  return [...new Set(hashes)];
}

/** Returns the newest valid revision. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID` with the problems. */
export async function loadMachine(locator: Locator, { rights }: Caller, name: string): Promise<Machine> {
  const located = await locator.find(name, { fresh: true });
  if (located.kind === "found") return located.machine;
  if (located.kind === "unknown") throw await toUnknownMachine(locator, rights, name);
  const { problems } = located;
  throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
}

const HASH_LENGTH = 64;

/** Returns true for a hash with all its digits. */
export function isWholeHash(digits: string): boolean {
  return digits.length === HASH_LENGTH;
}

/**
 * Returns the full hash of the revision of a machine that begins with these digits: of a stored one or the newest. A
 * full hash is returned unchanged. Throws `MACHINE_UNKNOWN` when none matches, `USAGE` when several do.
 */
export async function findRevisionHash(
  { store, locator }: Pick<RouteDeps, "store" | "locator">,
  { name, digits }: { readonly name: string; readonly digits: string },
): Promise<string> {
  if (isWholeHash(digits)) return digits;
  const [kept, newest] = await Promise.all([
    store.revisions.findHashes(name, digits),
    locator.find(name, { fresh: true }),
  ]);
  const isNewest = newest.kind === "found" && newest.revision.hash.startsWith(digits);
  const hashes = [...new Set([...kept, ...(isNewest ? [newest.revision.hash] : [])])].sort();
  const [hash] = hashes;
  if (hash !== undefined && hashes.length === 1) return hash;
  if (hash === undefined) {
    const advice = newest.kind === "found" ? ` The newest one is ${newest.revision.hash}.` : "";
    throw new StackyardError("MACHINE_UNKNOWN", `No revision of "${name}" begins with ${digits}.${advice}`);
  }
  const list = hashes.map((each) => each.slice(0, Math.max(12, digits.length + 4))).join(", ");
  throw new StackyardError("USAGE", `Several revisions of "${name}" begin with ${digits}: ${list}. Give more digits.`);
}
