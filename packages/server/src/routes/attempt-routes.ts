import { StackyardError, type Store } from "@stackyard/core";
import type { AttemptView } from "@stackyard/core/engine";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { Attempt, toAttempt } from "../schemas/attempt.ts";
import { AttemptId, StackId } from "../schemas/common.ts";

/** Attempts and the logs of their tasks. An attempt's id is one path segment: encode its slashes. */
export function attemptRoutes(deps: { readonly store: Store }): readonly Route[] {
  return [listRoute(deps), attemptRoute(deps), logRoute(deps)];
}

function listRoute({ store }: { readonly store: Store }): Route {
  return defineRoute({
    method: "GET",
    path: "/v1/stacks/:stackId/attempts",
    operationId: "listAttempts",
    tag: "attempts",
    summary: "Attempts of a stack that have not ended, and the last 50 that have; newest first.",
    params: { stackId: StackId },
    answers: { 200: { description: "All of them.", schema: Type.Object({ items: Type.Array(Attempt) }) } },
    async handle({ params: { stackId } }) {
      return json(200, { items: (await store.queries.listAttempts(stackId)).map(toAttempt) });
    },
  });
}

function attemptRoute({ store }: { readonly store: Store }): Route {
  return defineRoute({
    method: "GET",
    path: "/v1/attempts/:attemptId",
    operationId: "getAttempt",
    tag: "attempts",
    summary: "One attempt.",
    params: { attemptId: AttemptId },
    answers: { 200: { description: "The attempt.", schema: Attempt }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { attemptId } }) {
      return json(200, toAttempt(await loadAttempt(store, attemptId)));
    },
  });
}

function logRoute({ store }: { readonly store: Store }): Route {
  return defineRoute({
    method: "GET",
    path: "/v1/attempts/:attemptId/log",
    operationId: "getAttemptLog",
    tag: "attempts",
    summary: "The end of the task's log, at most 64 KiB. Empty while there is none.",
    params: { attemptId: AttemptId },
    answers: { 200: { description: "Text.", mediaType: "text/plain" }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { attemptId } }) {
      const { log = "" } = await loadAttempt(store, attemptId);
      return new Response(log, { headers: { "content-type": "text/plain; charset=utf-8" } });
    },
  });
}

async function loadAttempt(store: Store, attemptId: string): Promise<AttemptView> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt === undefined) throw new StackyardError("NOT_FOUND", `There is no attempt "${attemptId}".`);
  return attempt;
}
