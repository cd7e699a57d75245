import { defined, StackyardError } from "@stackyard/core";
import { toBy } from "@stackyard/core/access";
import type { StateVersion, TerraformState } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { listUnsavedRunsOf, type UnsavedRun } from "@stackyard/core/services";
import { Type } from "typebox";
import { toStateSubject } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import { defineRoute, type Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { RouteDeps } from "../routes/route-deps.ts";
import { pageInput } from "../routes/to-page.ts";
import { toInstant } from "../schemas/event.ts";
import {
  breakLock,
  type ForcedUnlock,
  findCurrent,
  type StateHead,
  type StateVersion as StoredVersion,
  toAuditSubject,
  toForcedUnlockFields,
  toHolderFacts,
  withSerial,
} from "./state-store.ts";
import { isHolding } from "./terraform-backend.ts";
import { toUnsavedRun } from "./unsaved-run-view.ts";

/** Converts a Terraform state to the API's format, without its content and the token of a lease. */
function toTerraformState(head: StateHead, lockBinds: boolean, unsaved: readonly UnsavedRun[]): TerraformState {
  const { key, current, versions, lock, forcedUnlocks } = head;
  return defined({
    key,
    current,
    versions: versions.map(toStateVersion),
    unsaved: unsaved.length === 0 ? undefined : unsaved.map(toUnsavedRun),
    forcedUnlocks: forcedUnlocks?.map(toForcedUnlock),
    lock: lock && { id: lock.id, at: toInstant(lock.at), binds: lockBinds, ...toHolderFacts(lock) },
  });
}

/** Converts a version to the API's format. */
export function toStateVersion({ blob: _, chunks: __, token: ___, at, ...version }: StoredVersion): StateVersion {
  return { ...version, at: toInstant(at) };
}

function toForcedUnlock(broken: ForcedUnlock): NonNullable<TerraformState["forcedUnlocks"]>[number] {
  return { ...broken, at: toInstant(broken.at), lockedAt: toInstant(broken.lockedAt) };
}

/** Defines operators' routes to states, versions and locks. A state's key is one path segment: encode its slashes. */
export function terraformStateRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listTerraformStates, async ({ query: { prefix = "", ...query } }, { caller }) => {
      const page = await loadVisible(caller, pageInput(query), {
        load: (input) => deps.states.list(prefix, input),
        toSubject: ({ key }) => toStateSubject(key),
      });
      return reply(200, { ...page, items: await Promise.all(page.items.map((head) => show(deps, head))) });
    }),
    serve(deps, operations.getTerraformState, async ({ params: { key } }) =>
      reply(200, await show(deps, await loadKnownHead(deps, key), await listUnsavedRunsOf(deps, key))),
    ),
    versionRoute(deps),
    restoreRoute(deps),
    unlockRoute(deps),
  ];
}

function versionRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/terraform/states/:key/versions/:version", {
    operationId: "getTerraformStateVersion",
    permission: "states:read",
    subject: "state",
    audited: true,
    tag: "terraform",
    summary: "Get the content of one version. It may contain secrets.",
    params: { ...operations.getTerraformState.params, version: Type.String({ pattern: "^[1-9][0-9]{0,9}$" }) },
    answers: {
      200: { description: "The state as Terraform wrote it.", mediaType: "application/json" },
      404: { description: "NOT_FOUND" },
    },
    async handle({ params: { key, version } }, { sender }) {
      const found = findVersion(await loadKnownHead(deps, key), Number(version));
      const input = { bytes: found.bytes, caller: toBy(sender).by };
      const body = await deps.stateRoom.write(input, () => deps.states.read(key, found));
      const action = { action: "getTerraformStateVersion", who: sender, via: "api", on: toAuditSubject(key) };
      await deps.audit.write({ ...action, outcome: "done", reason: `version ${version}` });
      const headers = { "content-type": "application/json", "content-length": String(found.bytes) };
      return new Response(body, { headers });
    },
  });
}

function restoreRoute(deps: RouteDeps): Route {
  return serve(
    deps,
    operations.restoreTerraformState,
    async ({ params: { key }, body: { version, seen } }, { sender, audit }) => {
      const head = await loadKnownHead(deps, key);
      const old = findVersion(head, version);
      const serial = Math.max(...head.versions.map((each) => each.serial ?? 0)) + 1;
      const by = toBy(sender);
      const check = async (now: StateHead) => {
        checkSeen(now, seen);
        await checkUnlocked(deps, now);
      };
      const written = await deps.stateRoom.hold({ bytes: old.bytes, caller: by.by }, async () => {
        const bytes = withSerial(await deps.states.read(key, old), serial);
        return audit({ on: toAuditSubject(key), reason: `version ${version}` }, () =>
          deps.states.write(key, { bytes, ...by, restoredFrom: version, check }),
        );
      });
      return reply(200, toStateVersion(written));
    },
  );
}

function checkSeen({ current }: StateHead, seen: number | null | undefined): void {
  if (seen === undefined || seen === (current ?? null)) return;
  const what = current === undefined ? "The state is missing now" : `Version ${current} came meanwhile`;
  throw new StackyardError("RECORD_CONFLICT", `${what}. Look at it first.`);
}

function unlockRoute(deps: RouteDeps): Route {
  return serve(deps, operations.unlockTerraformState, async ({ params: { key }, body: { id } }, { sender, audit }) => {
    await loadKnownHead(deps, key);
    const broken = await audit({ on: toAuditSubject(key) }, () =>
      deps.states.change(key, async (head) => {
        const { lock } = head;
        if (lock !== undefined && lock.id !== id) throw locked(`The state is locked under the id "${lock.id}".`);
        if (lock === undefined) return { answer: undefined };
        return { head: breakLock(head, { ...toBy(sender), at: deps.clock.now() }), answer: lock };
      }),
    );
    if (broken !== undefined) {
      deps.logger.warn("A Terraform lock was broken by force.", toForcedUnlockFields(key, sender.name, broken));
    }
    return reply(200, await show(deps, await deps.states.loadHead(key)));
  });
}

async function show(deps: RouteDeps, head: StateHead, unsaved: readonly UnsavedRun[] = []): Promise<TerraformState> {
  const binds = head.lock !== undefined && (await isHolding(deps, head.lock.holder));
  return toTerraformState(head, binds, unsaved);
}

async function loadKnownHead(deps: RouteDeps, key: string): Promise<StateHead> {
  const head = await deps.states.loadHead(key);
  const isUsed = head.next > 1 || head.lock !== undefined || head.forcedUnlocks !== undefined;
  if (!isUsed && (await listUnsavedRunsOf(deps, key)).length === 0) {
    throw new StackyardError("NOT_FOUND", `Terraform state "${key}" not found.`);
  }
  return head;
}

function findVersion(head: StateHead, version: number): StoredVersion {
  const found = head.versions.find((each) => each.version === version);
  if (found !== undefined) return found;
  const current = findCurrent(head)?.version ?? "none";
  throw new StackyardError("NOT_FOUND", `Version ${version} is not kept; the current one is ${current}.`);
}

/** Throws `RECORD_CONFLICT` while a state is locked. */
export async function checkUnlocked({ store, clock }: RouteDeps, { lock }: StateHead): Promise<void> {
  if (lock === undefined || !(await isHolding({ store, clock }, lock.holder))) return;
  throw locked("The state is locked. Wait for its holder, or unlock it.");
}

function locked(message: string): StackyardError {
  return new StackyardError("RECORD_CONFLICT", message);
}
