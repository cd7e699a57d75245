import type { Clock, Store } from "@stackyard/core";
import { listProcesses } from "@stackyard/core/engine";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/common.ts";
import { YardProcess } from "../schemas/process.ts";
import { pageInput, toPage } from "./to-page.ts";

export interface ProcessRoutesDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** Who works for the yard. */
export function processRoutes({ store, clock }: ProcessRoutesDeps): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/processes",
      operationId: "listProcesses",
      tag: "health",
      summary:
        "Servers and workers in the order in which they started. One that died is listed as gone for 10 minutes.",
      query: pageQuery,
      answers: { 200: { description: "A page.", schema: pageOf(YardProcess) } },
      async handle({ query }) {
        const page = await listProcesses(store.records, { ...pageInput(query), now: clock.now() });
        return json(200, toPage(page, { toView: toYardProcess, toId: ({ id }) => id }));
      },
    }),
  ];
}

type ListedProcess = Awaited<ReturnType<typeof listProcesses>>["items"][number];

function toYardProcess({ startedAt, seenAt, roles, executors, ...rest }: ListedProcess): YardProcess {
  return {
    ...rest,
    roles: [...roles],
    executors: [...executors],
    startedAt: toInstant(startedAt),
    seenAt: toInstant(seenAt),
  };
}
