import { defined, StackyardError } from "@stackyard/core";
import { toBy } from "@stackyard/core/access";
import * as operations from "@stackyard/core/api/operations";
import {
  dismissUnsavedRun,
  formatUnsavedRun,
  isOvertaken,
  listUnsavedPage,
  listUnsavedRunsOf,
  loadUnsavedContent,
  putUnsavedRun,
  type UnsavedRun as StoredRun,
  toUnsavedId,
} from "@stackyard/core/services";
import { toStateSubject } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { maskReason } from "../routes/mask-reason.ts";
import type { RouteDeps } from "../routes/route-deps.ts";
import { pageInput } from "../routes/to-page.ts";
import { checkUnlocked, toStateVersion } from "./state-routes.ts";
import { type StateHead, toAuditSubject, withSerial } from "./state-store.ts";
import { isHolding } from "./terraform-backend.ts";
import { toUnsavedRun } from "./unsaved-run-view.ts";

/** Defines operators' routes to runs that have not saved their states. */
export function unsavedRunRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listUnsavedRuns, async ({ query: { prefix = "", ...query } }, { caller }) => {
      const page = await loadVisible(caller, pageInput(query), {
        load: (input) => listUnsavedPage(deps, prefix, input),
        toSubject: ({ state }) => toStateSubject(state),
      });
      return reply(200, { ...page, items: page.items.map(toUnsavedRun) });
    }),
    pushRoute(deps),
    serve(deps, operations.dismissUnsavedRun, async ({ params: { key, id }, body: { reason: given } }, { audit }) => {
      const run = await findRun(deps, key, id);
      const holder = { kind: "attempt", attemptId: run.attempt, token: run.token } as const;
      if (run.left === undefined && (await isHolding(deps, holder))) {
        throw new StackyardError("RECORD_CONFLICT", `The attempt "${run.attempt}" still works on ${run.host}.`);
      }
      const reason = await maskReason(deps.store, given, { stackIds: [run.stack] });
      await audit({ on: toAuditSubject(key), ...defined({ reason }) }, () => dismissUnsavedRun(deps, run));
      return reply(200, toUnsavedRun(run));
    }),
  ];
}

function pushRoute(deps: RouteDeps): Route {
  return serve(deps, operations.pushUnsavedState, async ({ params: { key, id } }, { sender, audit }) => {
    const run = await findRun(deps, key, id);
    const by = toBy(sender);
    const check = async (head: StateHead) => {
      await checkUnlocked(deps, head);
      if (isOvertaken(run, head)) throw overtaken(run, head);
    };
    return deps.stateRoom.hold({ bytes: run.left?.content?.bytes ?? 0, caller: by.by }, async () => {
      const content = run.pushed === undefined ? await loadUnsavedContent(deps, run) : undefined;
      if (content === undefined) {
        throw new StackyardError("RECORD_CONFLICT", `There is nothing to push. ${formatUnsavedRun(run)}`);
      }
      const serials = (await deps.states.loadHead(key)).versions.map(({ serial = 0 }) => serial);
      const serial = Math.max(run.left?.serial ?? 0, ...serials.map((each) => each + 1));
      const input = { bytes: withSerial(content, serial), ...by, check };
      const version = await audit({ on: toAuditSubject(key), reason: run.attempt }, async () => {
        const written = await deps.states.write(key, input);
        await putUnsavedRun(deps, { ...run, pushed: { at: deps.clock.now(), ...by } });
        return written;
      });
      return reply(200, toStateVersion(version));
    });
  });
}

async function findRun(deps: RouteDeps, key: string, id: string): Promise<StoredRun> {
  const found = (await listUnsavedRunsOf(deps, key)).find((run) => toUnsavedId(run) === id);
  if (found !== undefined) return found;
  throw new StackyardError("NOT_FOUND", `The Terraform state "${key}" has no unsaved run "${id}".`);
}

function overtaken({ state, attempt }: StoredRun, { current, versions }: StateHead): StackyardError {
  const by = versions.find(({ version }) => version === current)?.by;
  const text =
    `The state "${state}" was written by ${by} after the run of ${attempt} had begun, and has resources of its own, which a push would forget. ` +
    "Destroy them first, or remove what the run has left by hand and dismiss it.";
  return new StackyardError("RECORD_CONFLICT", text);
}
