import { type AccessConfig, findGrants, toRights } from "../access/access-config.ts";
import { createAuditWriter } from "../access/audit-writer.ts";
import { decideAccess } from "../access/decide-access.ts";
import { decideEvent, formatServiceDenial, SERVICE_RIGHTS } from "../access/decide-event.ts";
import { type Sender, toPersonId } from "../access/sender.ts";
import { findOwnLine } from "../aggregate/plan-inputs.ts";
import { toParkedId } from "../aggregate/withdraw-parked.ts";
import type { AwsAccess } from "../engine/attempts/executor-context.ts";
import { type EngineOptions, publishMessages } from "../engine/engine.ts";
import { createPlanner, type Planner } from "../engine/plans/planner.ts";
import { withdrawParked } from "../engine/withdraw-parked.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { defined } from "../machine/json.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type {
  ForeseenEvent,
  PluginService,
  SecretReference,
  ServiceApproval,
  ServiceDeps,
  ServiceEvent,
  ServiceLink,
  ServicePerson,
  ServicePublished,
  ServiceUser,
} from "../ports/plugin-service.ts";
import type { Store } from "../ports/store.ts";
import { describeStack, findLogEnd } from "./describe-stack.ts";
import { toEventFate } from "./event-fate.ts";

/** Dependencies of a yard's services, from the process that runs them. */
export interface YardServicesDeps {
  readonly store: Pick<
    Store,
    "records" | "queries" | "load" | "loadParked" | "commit" | "enqueue" | "findAttempt" | "revisions"
  >;
  readonly locator: Locator;
  /** As the engine's. Default: none is known, and configurations are not checked. */
  readonly executors?: ExecutorRegistry;
  /** The yard's. Default: the engine's defaults. */
  readonly engine?: EngineOptions | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly logger: Logger;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** People and their rights. Undefined: the yard has no grants. */
  readonly access?: AccessConfig | undefined;
  /** Without it services cannot reach AWS. */
  readonly aws?: Pick<AwsAccess, "client"> | undefined;
}

/** Creates what a service works with until the signal is aborted. */
export function createServiceDeps(
  deps: YardServicesDeps,
  { signal, wake, services }: Pick<ServiceDeps, "signal" | "wake"> & { readonly services: readonly PluginService[] },
): ServiceDeps {
  const { store, locator, executors = new Map(), clock, ids, random, logger, readSecret, aws } = deps;
  const planner = createPlanner({ ...deps, executors });
  const created: ServiceDeps = {
    records: store.records,
    queries: store.queries,
    locator,
    clock,
    ids,
    random,
    logger,
    signal,
    wake,
    readSecret,
    aws(client, target) {
      if (aws !== undefined) return aws.client(client, target);
      throw new StackyardError("CONFIG_INVALID", "This server has no access to AWS. Configure AWS credentials for it.");
    },
    async findStack(stackId) {
      const [loaded] = await store.load([stackId]);
      return loaded?.stack;
    },
    describeStack: (stackId) => describeStack(deps, stackId),
    findLogEnd: (attemptId) => findLogEnd(deps, attemptId),
    publish: (event, user) => publishChecked(deps, event, toSender(deps, user)),
    foresee: (event, user) => foresee({ ...deps, planner }, event, toSender(deps, user)),
    async withdrawParked({ id, stackId }, withdrawal) {
      const parkedId = toParkedId({ id, stackId, origin: "external" });
      return (await withdrawParked(store, [parkedId], { ...withdrawal, now: clock.now() })).length > 0;
    },
    approve: (approval, person) => approve(deps, approval, person),
    async listLinks(stack) {
      const found = services.map(async ({ name, listLinks }): Promise<readonly ServiceLink[]> => {
        try {
          return (await listLinks?.(stack, created)) ?? [];
        } catch (error) {
          logger.warn("A service cannot list its links.", { service: name, stackId: stack.id, error });
          return [];
        }
      });
      return (await Promise.all(found)).flat();
    },
  };
  return created;
}

/** Publishes an event that a service sends for a user, if services may. The engine checks the machine of the stack. */
async function publishChecked(deps: YardServicesDeps, event: ServiceEvent, sender: Sender): Promise<ServicePublished> {
  const { event: name, stackId, machine } = event;
  const decision = decideEvent({ name, stackId, machine }, SERVICE_RIGHTS);
  if (decision.kind === "allowed") return publish(deps, event, sender);
  return { kind: "invalid", code: "FORBIDDEN", reason: formatServiceDenial(name, decision) };
}

async function foresee(
  { store, clock, ids, planner }: YardServicesDeps & { readonly planner: Planner },
  { event: name, stackId, machine, metadata }: Omit<ServiceEvent, "id">,
  sender: Sender,
): Promise<ForeseenEvent> {
  const right = decideEvent({ name, stackId, machine }, SERVICE_RIGHTS);
  if (right.kind !== "allowed") {
    return { kind: "refused", code: "FORBIDDEN", reason: formatServiceDenial(name, right) };
  }
  const id = `foreseen/${ids.next()}`;
  const message = { id, stackId, event: name, machine, metadata };
  const queued = { id, stackId, origin: "external", receivedAt: clock.now(), message, sender } as const;
  const [loaded = { stackId, version: 0, parked: [] }] = await store.load([stackId]);
  const { change } = await planner.preview(loaded, queued);
  const fate = toEventFate(findOwnLine(change, id));
  if (fate.kind === "applied" || fate.kind === "repeated") return { kind: "applied" };
  const { code, reason } = fate.kind === "undecided" ? { code: "EVENT_INVALID", reason: "" } : fate;
  return { kind: "refused", code, reason };
}

async function publish(deps: YardServicesDeps, message: unknown, sender: Sender): Promise<ServicePublished> {
  const [result] = await publishMessages(deps, [message], { sender });
  if (result?.kind !== "invalid") return { kind: result?.kind ?? "accepted" };
  return { kind: "invalid", code: result.code, reason: result.reason };
}

function toSender({ access }: YardServicesDeps, { id, name, subject }: ServiceUser): Sender {
  const owner = subject === undefined ? undefined : toIdentity(access, subject);
  return { kind: "host", id, name, groups: [], ...defined({ owner }) };
}

/** Returns an identity in the form of logins. A yard without logins has no other people. */
function toIdentity(access: AccessConfig | undefined, subject: string): string {
  return access?.people === undefined ? subject : toPersonId(access.people.issuer, subject);
}

async function approve(
  deps: YardServicesDeps,
  { id, stackId, machine, task, approvalId, of, comment }: ServiceApproval,
  { id: through, name, subject, groups }: ServicePerson,
): Promise<ServicePublished> {
  const { access } = deps;
  const sender: Sender = { kind: "person", id: toIdentity(access, subject), name, groups, through };
  const { grants = [] } = access ?? {};
  const rights = access && toRights(findGrants(grants, { kind: "person", subject, groups }), grants);
  if (rights !== undefined && decideAccess(rights, "approve", { kind: "stack", stackId, machine }) !== "allowed") {
    const denial = { code: "FORBIDDEN", reason: `No grant lets ${name} approve for the stack "${stackId}".` };
    const audit = createAuditWriter({ ...deps, records: deps.store.records });
    const on = { machine, stackId, eventId: id, task };
    await audit.write({ action: "denied", outcome: "denied", who: sender, via: "host", on, ...denial });
    return { kind: "invalid", ...denial };
  }
  const message = { id, stackId, event: SYSTEM_EVENTS.approveTask, task: { name: task }, dispatchId: approvalId };
  return publish(deps, { ...message, ...defined({ of, reason: comment }) }, sender);
}
