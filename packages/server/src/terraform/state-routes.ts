import { defined, StackyardError } from "@stackyard/core";
import { StateVersion, TerraformState } from "@stackyard/core/api";
import { Type } from "typebox";
import { toStateSubject } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import type { RouteDeps } from "../routes/route-deps.ts";
import { pageInput } from "../routes/to-page.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
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

/** Converts a Terraform state to the API's format, without its content and the token of a lease. */
function toTerraformState(head: StateHead, lockBinds: boolean): TerraformState {
  const { key, current, versions, lock, forcedUnlocks } = head;
  return defined({
    key,
    current,
    versions: versions.map(({ blob: _, chunks: __, at, ...version }) => ({ ...version, at: toInstant(at) })),
    forcedUnlocks: forcedUnlocks?.map(toForcedUnlock),
    lock: lock && { id: lock.id, at: toInstant(lock.at), binds: lockBinds, ...toHolderFacts(lock) },
  });
}

function toForcedUnlock(broken: ForcedUnlock): NonNullable<TerraformState["forcedUnlocks"]>[number] {
  return { ...broken, at: toInstant(broken.at), lockedAt: toInstant(broken.lockedAt) };
}

/** Defines operators' routes to states, versions and locks. A state's key is one path segment: encode its slashes. */
export function terraformStateRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), stateRoute(deps), versionRoute(deps), restoreRoute(deps), unlockRoute(deps)];
}

const params = { key: Type.String({ minLength: 1, maxLength: 1_500 }) };
const unknown = { 404: { description: "NOT_FOUND" } };

function listRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/terraform/states", {
    operationId: "listTerraformStates",
    permission: "read",
    subject: "list",
    tag: "terraform",
    summary: "List Terraform states, ordered by key.",
    query: { prefix: Type.Optional(Type.String({ maxLength: 255, description: "Keys that begin so." })), ...pageQuery },
    answers: { 200: { description: "A page.", schema: pageOf(TerraformState) } },
    async handle({ query: { prefix = "", ...query } }, { caller }) {
      const page = await loadVisible(caller, pageInput(query), {
        load: (input) => deps.states.list(prefix, input),
        toSubject: ({ key }) => toStateSubject(key),
      });
      return json(200, { ...page, items: await Promise.all(page.items.map((head) => show(deps, head))) });
    },
  });
}

function stateRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/terraform/states/:key", {
    operationId: "getTerraformState",
    permission: "read",
    subject: "state",
    tag: "terraform",
    summary: "Get the versions and the lock of a Terraform state.",
    params,
    answers: { 200: { description: "The state without its content.", schema: TerraformState }, ...unknown },
    handle: async ({ params: { key } }) => json(200, await show(deps, await loadKnownHead(deps, key))),
  });
}

function versionRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/terraform/states/:key/versions/:version", {
    operationId: "getTerraformStateVersion",
    permission: "states:read",
    subject: "state",
    audited: true,
    tag: "terraform",
    summary: "Get the content of one version. It may contain secrets.",
    params: { ...params, version: Type.String({ pattern: "^[1-9][0-9]{0,9}$" }) },
    answers: { 200: { description: "The state as Terraform wrote it.", mediaType: "application/json" }, ...unknown },
    async handle({ params: { key, version } }, { sender }) {
      const found = findVersion(await loadKnownHead(deps, key), Number(version));
      const bytes = await deps.states.read(key, found);
      const action = { action: "getTerraformStateVersion", who: sender, via: "api", on: toAuditSubject(key) };
      await deps.audit.write({ ...action, outcome: "done", reason: `version ${version}` });
      return new Response(bytes.slice(), { headers: { "content-type": "application/json" } });
    },
  });
}

function restoreRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/terraform/states/:key/restore", {
    operationId: "restoreTerraformState",
    permission: "states:write",
    subject: "state",
    audited: true,
    tag: "terraform",
    summary: "Restore an old version as the newest, with the next serial. Refused while the state is locked.",
    params,
    body: Type.Object({ version: Type.Integer({ minimum: 1 }) }),
    answers: {
      200: { description: "The new version.", schema: StateVersion },
      409: { description: "RECORD_CONFLICT: the state is locked." },
      ...unknown,
    },
    async handle({ params: { key }, body: { version } }, { actor, sender }) {
      const head = await loadKnownHead(deps, key);
      const old = findVersion(head, version);
      const serial = Math.max(...head.versions.map((each) => each.serial ?? 0)) + 1;
      const bytes = withSerial(await deps.states.read(key, old), serial);
      const check = (now: StateHead) => checkUnlocked(deps, now);
      const action = { action: "restoreTerraformState", who: sender, via: "api", on: toAuditSubject(key) };
      const reason = `version ${version}`;
      await deps.audit.run({ ...action, reason }, () =>
        deps.states.write(key, { bytes, by: actor, restoredFrom: version, check }),
      );
      const [newest] = (await show(deps, await deps.states.loadHead(key))).versions;
      return json(200, newest);
    },
  });
}

function unlockRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/terraform/states/:key/unlock", {
    operationId: "unlockTerraformState",
    permission: "repair",
    subject: "state",
    audited: true,
    tag: "terraform",
    summary:
      "Break the lock by force. Use it only when no Terraform uses the state any more. The state and the server's log record who broke the lock.",
    params,
    body: Type.Object({ id: Type.String({ minLength: 1, maxLength: 255, description: "The lock's id." }) }),
    answers: {
      200: { description: "The state, unlocked.", schema: TerraformState },
      409: { description: "RECORD_CONFLICT: the state is locked with another id." },
      ...unknown,
    },
    async handle({ params: { key }, body: { id } }, { actor, sender }) {
      await loadKnownHead(deps, key);
      const action = { action: "unlockTerraformState", who: sender, via: "api", on: toAuditSubject(key) };
      const broken = await deps.audit.run(action, () =>
        deps.states.change(key, async (head) => {
          const { lock } = head;
          if (lock !== undefined && lock.id !== id) throw locked(`The state is locked under the id "${lock.id}".`);
          if (lock === undefined) return { answer: undefined };
          return { head: breakLock(head, { by: actor, at: deps.clock.now() }), answer: lock };
        }),
      );
      if (broken !== undefined) {
        deps.logger.warn("A Terraform lock was broken by force.", toForcedUnlockFields(key, actor, broken));
      }
      return json(200, await show(deps, await deps.states.loadHead(key)));
    },
  });
}

async function show({ store, clock }: RouteDeps, head: StateHead): Promise<TerraformState> {
  const binds = head.lock !== undefined && (await isHolding({ store, clock }, head.lock.holder));
  return toTerraformState(head, binds);
}

async function loadKnownHead({ states }: RouteDeps, key: string): Promise<StateHead> {
  const head = await states.loadHead(key);
  if (head.next === 1 && head.lock === undefined && head.forcedUnlocks === undefined) {
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

async function checkUnlocked({ store, clock }: RouteDeps, { lock }: StateHead): Promise<void> {
  if (lock === undefined || !(await isHolding({ store, clock }, lock.holder))) return;
  throw locked("The state is locked. Wait for its holder, or unlock it.");
}

function locked(message: string): StackyardError {
  return new StackyardError("RECORD_CONFLICT", message);
}
