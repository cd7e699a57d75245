import { isMap, listPages, type Stack } from "@stackyard/core";
import type { Cause, CauseKind } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  type Cause as CountedCause,
  createCauseCounter,
  type EventHead,
  listOpenFailures,
  listParked,
  type Page,
  type StoredStack,
  type Trouble,
  toEventName,
  toPrinted,
  type UnreadableRow,
} from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { withKnownOwners } from "../access/known-owners.ts";
import { loadVisible, toEventSubject } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes that group failed stacks and rejected events by cause. */
export function causeRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listCauses, async ({ query: { kind, ...query } }, { caller }) => {
      const counter = createCauseCounter();
      const damaged: UnreadableRow[] = [];
      const counts = await countAll(counter.add, LISTS[kind](deps, caller), damaged);
      const toView = (cause: CountedCause) => toCause(kind, cause);
      const counted = { ...counter.toPage(pageInput(query)), ...(damaged.length > 0 && { unreadable: damaged }) };
      const known = withKnownOwners(caller, counted, "read");
      const page = toPage(known, { toView, toId: ({ sample }) => sample.stackId });
      return reply(200, { ...page, ...counts });
    }),
  ];
}

function toCause(kind: CauseKind, { newestAt, ...cause }: CountedCause): Cause {
  return { kind, ...cause, newestAt: toInstant(newestAt) };
}

const MOST_EXAMINED = 20_000;
const MOST_DAMAGED = 100;

/** Adds rows that cannot be read to `damaged`, at most 100 of them. */
async function countAll(add: (trouble: Trouble) => void, lists: Troubles, damaged: UnreadableRow[]) {
  let examined = 0;
  for await (const { items: troubles, unreadable = [] } of lists) {
    damaged.push(...unreadable.slice(0, MOST_DAMAGED - damaged.length));
    for (const trouble of troubles) {
      if (examined === MOST_EXAMINED) return { examined, incomplete: true as const };
      examined += 1;
      add(trouble);
    }
  }
  return { examined };
}

type Troubles = AsyncIterable<Page<Trouble>>;

const PAGE = { limit: 1_000 };

const LISTS: Readonly<Record<CauseKind, (deps: RouteDeps, caller: Caller) => Troubles>> = {
  failed: (deps, caller) => listFailures(deps, caller, "failed"),
  degraded: (deps, caller) => listFailures(deps, caller, "degraded"),
  parked: ({ store }, caller) =>
    mapPages(
      (start) =>
        loadVisible(caller, start, {
          load: (page) => listParked(store, {}, page),
          toSubject: ({ parked }) => toEventSubject(parked.event),
        }),
      ({ parked: { event, code, reason, parkedAt } }) => [toTrouble(event, { code, reason, at: parkedAt })],
    ),
  dead: ({ store }, caller) =>
    mapPages(
      (start) =>
        loadVisible(caller, start, {
          load: (page) => store.queries.listDeadLetters({}, page),
          toSubject: ({ event }) => toEventSubject(event),
        }),
      ({ event, code, reason, deadLetteredAt }) => [toTrouble(event, { code, reason, at: deadLetteredAt })],
    ),
};

function listFailures({ store }: RouteDeps, caller: Caller, condition: "failed" | "degraded"): Troubles {
  const filter = { condition, needsPerson: true, ...toScopeFilter(caller, "read") };
  return mapPages(
    (start) => store.queries.listStacks(filter, start),
    ({ stack }: StoredStack) => toFailures(stack),
  );
}

async function* mapPages<Item>(
  load: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<Item>>,
  toTroubles: (item: Item) => readonly Trouble[],
): Troubles {
  for await (const { items, ...rest } of listPages((start) => load({ ...PAGE, ...start }))) {
    yield { ...rest, items: items.flatMap(toTroubles) };
  }
}

function toFailures(stack: Stack): readonly Trouble[] {
  // Only the time of the newest failure is known; the others occurred before the last change.
  const { id: stackId, updatedAt } = stack;
  return listOpenFailures(stack).map(({ task, code, message, at = updatedAt }) => {
    const toMessage = () => listOpenFailures(toPrinted.stack(stack)).find((each) => each.task === task)?.message;
    return { task, code, at, stackId, message, toMessage };
  });
}

interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly at: number;
}

function toTrouble(queued: EventHead, { code, reason, at }: Refusal): Trouble {
  const task = queued.message.task;
  const name = isMap(task) && typeof task["name"] === "string" ? task["name"] : undefined;
  return {
    stackId: queued.stackId,
    event: toEventName(queued.message),
    task: name,
    code,
    at,
    message: reason,
    toMessage: () => reason,
  };
}
