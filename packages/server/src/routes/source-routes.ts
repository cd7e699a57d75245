import { hash } from "node:crypto";
import { type LocatedMachine, StackyardError } from "@stackyard/core";
import { MachineSource } from "@stackyard/core/api";
import { Type } from "typebox";
import { checkWholeMachine, toUnknownMachine } from "../access/guard.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for the source documents of machines. */
export function sourceRoutes(deps: RouteDeps): readonly Route[] {
  return [sourceRoute(deps), writeRoute(deps)];
}

const params = { name: Type.String({ minLength: 1, maxLength: 255 }) };
const MOST_BYTES = 262_144;

function sourceRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/machines/:name/source", {
    operationId: "getMachineSource",
    permission: "read",
    subject: "machine",
    tag: "machines",
    summary: "Get the document of a machine as it was written, also one with errors.",
    params,
    answers: {
      200: { description: "The text.", schema: MachineSource },
      404: { description: "MACHINE_UNKNOWN" },
      422: { description: "MACHINE_INVALID: its document cannot be read, or is a module with errors." },
    },
    async handle({ params: { name } }, { caller }) {
      const found = await findSource(deps, name);
      if (found !== undefined) return json(200, found);
      const located = await deps.locator.find(name, { fresh: true });
      if (located.kind === "unknown") throw await toUnknownMachine(deps.locator, caller.rights, name);
      const problems = located.problems;
      throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
    },
  });
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

function writeRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/machines/:name/source", {
    operationId: "writeMachineSource",
    audited: true,
    permission: "repair",
    subject: "machine",
    tag: "machines",
    summary: "Replace the document of a machine in the folder of `stackyard dev`.",
    params,
    body: Type.Object(
      {
        source: Type.String({ minLength: 1, maxLength: MOST_BYTES }),
        expectedHash: Type.String({
          pattern: "^[0-9a-f]{64}$",
          description: "`hash` of the text that is replaced, as it was read.",
        }),
      },
      { additionalProperties: false },
    ),
    answers: {
      200: { description: "The text as it is now.", schema: MachineSource },
      403: {
        description:
          "FORBIDDEN: the file is a link or a module, or the caller may repair only some stacks of the machine.",
      },
      404: { description: "MACHINE_UNKNOWN, or NOT_CONFIGURED: only `stackyard dev` has a folder to write to." },
      409: { description: "RECORD_CONFLICT: the file has changed meanwhile. `details` has its `hash` and `source`." },
      422: { description: "MACHINE_INVALID with `details.problems`. Nothing was written." },
    },
    async handle({ params: { name }, body }, { sender, caller }) {
      const { sources, audit } = deps;
      // A new text acts on all stacks.
      checkWholeMachine(caller, name);
      if (sources === undefined) throw notConfigured();
      const action = { action: "writeMachineSource", who: sender, via: "api", on: { machine: name } };
      await audit.run(action, () => sources.write(name, body));
      return json(200, await findSource(deps, name));
    },
  });
}

function notConfigured(): StackyardError {
  return new StackyardError("NOT_CONFIGURED", "This server has no writable machine folder.", {
    details: { hint: "Save the document where the machines of the yard are kept, or use `stackyard dev`." },
  });
}
