import { defined, StackyardError } from "@stackyard/core";
import {
  type ApiTokenRecord,
  PERMISSIONS,
  permissionsOf,
  type Right,
  ROLES,
  statusOfToken,
} from "@stackyard/core/access";
import type { ApiToken, Me, NewApiToken } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Caller } from "../access/caller.ts";
import { withKnownOwners } from "../access/known-owners.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes for the caller, and the API tokens that it has created. */
export function tokenRoutes(deps: RouteDeps): readonly Route[] {
  const { tokens, clock, settings, artifacts } = deps;
  const created = ({ secret, token }: { readonly secret: string; readonly token: ApiTokenRecord }): NewApiToken => ({
    token: secret,
    ...toView(token, clock.now()),
  });
  return [
    serve(deps, operations.getMe, async (_, { caller }) =>
      reply(200, {
        ...toMe(caller),
        ...defined({ yard: settings.yardName }),
        ...(settings.docs !== undefined && { docs: true }),
        ...(artifacts !== undefined && { artifacts: true }),
      }),
    ),
    serve(deps, operations.listTokens, async ({ query }, { caller }) => {
      const page = withKnownOwners(caller, await demand(tokens).list(caller, pageInput(query)), "access");
      return reply(200, toPage(page, { toView: (token) => toView(token, clock.now()), toId: ({ id }) => id }));
    }),
    serve(deps, operations.createToken, async ({ body }, { caller }) =>
      reply(201, created(await demand(tokens).create(caller, body))),
    ),
    serve(deps, operations.rotateToken, async ({ params: { tokenId }, body }, { caller }) =>
      reply(200, created(await demand(tokens).rotate(caller, tokenId, body))),
    ),
    serve(deps, operations.revokeToken, async ({ params: { tokenId } }, { caller }) =>
      reply(200, toView(await demand(tokens).revoke(caller, tokenId), clock.now())),
    ),
  ];
}

function toMe({ sender, rights, via, expiresAt }: Caller): Me {
  const { kind, id, name, owner, groups } = sender;
  return {
    kind,
    id,
    name,
    ...defined({ owner }),
    groups,
    via,
    ...(expiresAt !== undefined && { expiresAt: toInstant(expiresAt) }),
    rights: rights.map(toRightView),
  };
}

function toRightView({ permissions, machines, stacks }: Right): Me["rights"][number] {
  const role = ROLES.findLast((each) => [...permissionsOf(each)].every((permission) => permissions.has(permission)));
  return {
    ...defined({ role }),
    permissions: PERMISSIONS.filter((permission) => permissions.has(permission)),
    ...defined({ machines, stacks }),
  };
}

function demand(tokens: ApiTokens | undefined): ApiTokens {
  if (tokens !== undefined) return tokens;
  const message = "This yard has no API tokens: IAM decides who may send events and read its state.";
  throw new StackyardError("USAGE", message);
}

/** Converts a token to the API's format, without its secrets. */
function toView(token: ApiTokenRecord, now: number): ApiToken {
  const { id, name, role, also, machines, stacks, groups = [], createdBy, createdAt } = token;
  const { expiresAt, lastUsedAt, revokedAt, secrets } = token;
  const earlierEndsAt = secrets.find(({ endsAt }) => endsAt !== undefined && endsAt > now)?.endsAt;
  return {
    id,
    name,
    status: statusOfToken(token, now),
    role,
    ...defined({ also, machines, stacks }),
    groups,
    createdBy: { ...createdBy },
    createdAt: toInstant(createdAt),
    ...defined({
      expiresAt: toInstant(expiresAt),
      lastUsedAt: toInstant(lastUsedAt),
      earlierEndsAt: toInstant(earlierEndsAt),
      revokedAt: toInstant(revokedAt),
    }),
  };
}
