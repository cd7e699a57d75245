import { RELEASE_PLACES, StackyardError } from "@stackyard/core";
import { scopesOf } from "@stackyard/core/access";
import { ReleasePlace } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { StoredRecord } from "@stackyard/core/engine";
import { JOB_MACHINE } from "@stackyard/core/machine";
import { Compile } from "typebox/compile";
import type { Caller } from "../access/caller.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

const validator = Compile(ReleasePlace);

/** Defines the list of the versions that releases have deployed to each place. */
export function releaseRoutes(deps: RouteDeps): readonly Route[] {
  const { store, clock } = deps;
  return [
    serve(deps, operations.listReleasePlaces, async ({ query }, { caller }) => {
      if (!mayReadAllJobs(caller)) return reply(200, { items: [] });
      const page = await store.records.list(RELEASE_PLACES, { ...pageInput(query), now: clock.now() });
      return reply(200, toPage(page, { toView: toReleasePlace, toId: ({ key }) => key }));
    }),
  ];
}

/** Returns true if the caller may read all jobs: a scope of stacks also limits jobs. */
function mayReadAllJobs({ rights }: Caller): boolean {
  const scopes = scopesOf(rights, "read");
  return scopes.some(
    ({ stacks, machines }) => stacks === undefined && (machines === undefined || machines.includes(JOB_MACHINE)),
  );
}

function toReleasePlace({ key, value }: StoredRecord): ReleasePlace {
  if (validator.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", `The record "${key}" is not a release place.`);
}
