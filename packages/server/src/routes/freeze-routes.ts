import { defined, listPages, type PageStart, StackyardError } from "@stackyard/core";
import type { AuditedAction } from "@stackyard/core/access";
import { Freeze, FreezeHold } from "@stackyard/core/api";
import {
  endFreeze,
  exceptRelease,
  FREEZE_NAME,
  findFreeze,
  type Freeze as KeptFreeze,
  listFreezes,
  startFreeze,
} from "@stackyard/core/services";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { checkWholeMachine, forbidden, hasEverywhere } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { StackId, toInstant } from "../schemas/event.ts";
import { listFreezeHolds } from "./freeze-holds.ts";
import { maskReason, withhold } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for freezes: stacks that releases send no new events to. */
export function freezeRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), heldRoute(deps), startRoute(deps), exceptRoute(deps), endRoute(deps)];
}

const FreezeName = Type.String({ pattern: FREEZE_NAME });
const Reason = Type.String({ minLength: 1, maxLength: 1_000 });
const params = { freeze: FreezeName };
const NEEDED = "Needs `repair` for all that it matches: for the machine without a limit of stacks, or for the yard.";

function listRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/freezes", {
    operationId: "listFreezes",
    permission: "read",
    subject: "list",
    tag: "freezes",
    summary: "List the freezes that have not ended, by name.",
    answers: { 200: { description: "All of them.", schema: Type.Object({ items: Type.Array(Freeze) }) } },
    async handle(_, { caller }) {
      const freezes = await listFreezes(deps);
      const items = freezes.filter(
        ({ machine }) => machine === undefined || mayRead(caller, { kind: "machine", machine }),
      );
      return json(200, { items: items.map(toView) });
    },
  });
}

function heldRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/freezes/:freeze/held", {
    operationId: "listFreezeHolds",
    permission: "read",
    subject: "list",
    tag: "freezes",
    summary: "List what a freeze holds now: the tasks of releases that wait for it, with how many stacks.",
    params,
    answers: {
      200: {
        description: "Those that the caller may read.",
        schema: Type.Object({ items: Type.Array(FreezeHold) }),
      },
      404: { description: "NOT_FOUND" },
    },
    async handle({ params: { freeze: name } }, { caller }) {
      await findFreeze(deps, name);
      return json(200, { items: await listFreezeHolds(deps, caller, name) });
    },
  });
}

function startRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/freezes", {
    operationId: "startFreeze",
    audited: true,
    permission: "repair",
    subject: "list",
    tag: "freezes",
    summary: `Start a freeze: releases send no new events to the stacks that it matches. What runs, plans, approvals and undoing are not held. ${NEEDED}`,
    body: Type.Object(
      {
        name: FreezeName,
        reason: Reason,
        machine: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "Default: all machines." })),
        where: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 1_000,
            description: "CEL over `stack` and `metadata`. Default: all.",
          }),
        ),
        to: Type.Optional(Type.String({ format: "date-time", description: "Default: until it is ended." })),
      },
      { additionalProperties: false },
    ),
    answers: {
      200: { description: "The freeze.", schema: Freeze },
      400: { description: "USAGE: the expression has errors, or the end has passed." },
      403: { description: "FORBIDDEN" },
      409: { description: "RECORD_CONFLICT: the name is in use." },
    },
    async handle({ body: { to, ...body } }, { caller, sender }) {
      checkMatched(caller, body);
      const reason = await maskOf(deps, body, body.reason);
      const until = to === undefined ? undefined : Date.parse(to);
      const freeze = { ...body, reason, by: sender.name, ...defined({ to: until }) };
      const action = toAction("startFreeze", freeze, { who: sender, reason });
      return json(200, toView(await deps.audit.run(action, () => startFreeze(deps, freeze))));
    },
  });
}

function exceptRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/freezes/:freeze/except", {
    operationId: "exceptFromFreeze",
    audited: true,
    permission: "repair",
    subject: "list",
    tag: "freezes",
    summary: `Let one release pass a freeze. ${NEEDED}`,
    params,
    body: Type.Object({ release: StackId, reason: Reason }, { additionalProperties: false }),
    answers: {
      200: { description: "The freeze.", schema: Freeze },
      403: { description: "FORBIDDEN" },
      404: { description: "NOT_FOUND, or STACK_UNKNOWN for the release" },
    },
    async handle({ params: { freeze: name }, body: { release, reason: given } }, { caller, sender, authorize }) {
      const freeze = await findFreeze(deps, name);
      checkMatched(caller, freeze);
      await authorize({ permission: "read", subject: "stack" }, { stackId: release });
      const incarnation = await findIncarnation(deps, release);
      const about = await maskReason(deps.store, given, { stackIds: [release] });
      const reason = await maskOf(deps, freeze, about);
      const action = toAction("exceptFromFreeze", freeze, { who: sender, reason });
      const exception = { release, incarnation, reason, by: sender.name };
      const run = () => exceptRelease(deps, name, exception);
      return json(200, toView(await deps.audit.run({ ...action, on: { ...action.on, stackId: release } }, run)));
    },
  });
}

function endRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/freezes/:freeze/end", {
    operationId: "endFreeze",
    audited: true,
    permission: "repair",
    subject: "list",
    tag: "freezes",
    summary: `End a freeze. ${NEEDED}`,
    params,
    body: Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false }),
    answers: {
      200: { description: "The freeze as it was.", schema: Freeze },
      403: { description: "FORBIDDEN" },
      404: { description: "NOT_FOUND" },
    },
    async handle({ params: { freeze: name }, body: { reason: given } }, { caller, sender }) {
      const freeze = await findFreeze(deps, name);
      checkMatched(caller, freeze);
      const reason = given === undefined ? undefined : await maskOf(deps, freeze, given);
      const action = toAction("endFreeze", freeze, { who: sender, ...defined({ reason }) });
      return json(200, toView(await deps.audit.run(action, () => endFreeze(deps, name))));
    },
  });
}

/** A rule also matches stacks that come later, so a limit of stacks is not enough. */
function checkMatched(caller: Caller, { machine }: Pick<KeptFreeze, "machine">): void {
  if (machine !== undefined) checkWholeMachine(caller, machine);
  else if (!hasEverywhere(caller.rights, "repair")) throw forbidden("repair");
}

const PAGE = 1_000;

/** Returns a reason without the sensitive values of the stacks that a freeze may match. */
async function maskOf({ store }: RouteDeps, { machine }: Pick<KeptFreeze, "machine">, reason: string): Promise<string> {
  const load = (start: PageStart) => store.queries.listStacks(defined({ machine }), { limit: PAGE, ...start });
  let text = reason;
  for await (const { items, unreadable: [damaged] = [] } of listPages(load)) {
    if (damaged !== undefined) return withhold(damaged.id);
    text = await maskReason(store, text, { stackIds: items.map(({ stack }) => stack.id) });
  }
  return text;
}

function toAction(
  action: string,
  { name, machine }: Pick<KeptFreeze, "name" | "machine">,
  who: Pick<AuditedAction, "who" | "reason">,
): AuditedAction {
  return { action, via: "api", on: { key: `freezes/${name}`, ...defined({ machine }) }, ...who };
}

async function findIncarnation({ store }: RouteDeps, release: string): Promise<string> {
  const [loaded] = await store.load([release]);
  if (loaded?.stack !== undefined) return loaded.stack.incarnation;
  throw new StackyardError("STACK_UNKNOWN", `Stack "${release}" does not exist.`);
}

function toView({ version: _, startedAt, by, to, except, ...freeze }: KeptFreeze): Freeze {
  return {
    ...freeze,
    startedAt: toInstant(startedAt),
    startedBy: by,
    ...defined({ to: toInstant(to) }),
    except: except.map(({ incarnation: __, at, ...each }) => ({ ...each, at: toInstant(at) })),
  };
}
