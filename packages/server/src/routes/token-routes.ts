import { defined, StackyardError } from "@stackyard/core";
import {
  type ApiTokenRecord,
  ApiTokenRequest,
  PERMISSIONS,
  permissionsOf,
  type Right,
  ROLES,
  statusOfToken,
} from "@stackyard/core/access";
import { ApiToken, Me, NewApiToken } from "@stackyard/core/api";
import { Type } from "typebox";
import type { ApiTokens } from "../access/api-tokens.ts";
import type { Caller } from "../access/caller.ts";
import { withKnownOwners } from "../access/known-owners.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes for the caller, and the API tokens that it has created. */
export function tokenRoutes(deps: RouteDeps): readonly Route[] {
  return [meRoute(deps), listRoute(deps), createRoute(deps), rotateRoute(deps), revokeRoute(deps)];
}

const signedIn = { permission: "signed-in", subject: "none" } as const;

function meRoute({ settings: { yardName: yard } }: RouteDeps): Route {
  return defineRoute("GET", "/v1/me", {
    operationId: "getMe",
    ...signedIn,
    tag: "access",
    summary: "Who the caller is, and what it may do.",
    answers: { 200: { description: "The caller.", schema: Me } },
    handle: async (_, { caller }) => json(200, { ...toMe(caller), ...defined({ yard }) }),
  });
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

function listRoute({ tokens, clock }: RouteDeps): Route {
  return defineRoute("GET", "/v1/tokens", {
    operationId: "listTokens",
    ...signedIn,
    tag: "access",
    summary:
      "API tokens of the caller; of all with the permission `access`. Those that have ended are listed for 30 days.",
    query: pageQuery,
    answers: { 200: { description: "A page; it may be short and have a cursor.", schema: pageOf(ApiToken) } },
    async handle({ query }, { caller }) {
      const page = withKnownOwners(caller, await demand(tokens).list(caller, pageInput(query)), "access");
      return json(200, toPage(page, { toView: (token) => toView(token, clock.now()), toId: ({ id }) => id }));
    },
  });
}

const refused = { 403: { description: "FORBIDDEN: a token never has more than its creator." } };
const unknown = { 404: { description: "NOT_FOUND" } };

function createRoute({ tokens, clock }: RouteDeps): Route {
  return defineRoute("POST", "/v1/tokens", {
    operationId: "createToken",
    ...signedIn,
    audited: true,
    tag: "access",
    summary: "Create an API token. Its secret is in this answer only.",
    body: ApiTokenRequest,
    answers: {
      201: { description: "The token with its secret.", schema: NewApiToken },
      ...refused,
      409: { description: "OUTCOME_NEGATIVE: the caller has 100 tokens." },
    },
    async handle({ body }, { caller }) {
      const { secret, token } = await demand(tokens).create(caller, body);
      return json(201, { token: secret, ...toView(token, clock.now()) } satisfies NewApiToken);
    },
  });
}

const params = { tokenId: Type.String({ minLength: 1, maxLength: 64 }) };

const RotateBody = Type.Object({
  overlap: Type.Optional(
    Type.String({
      maxLength: 32,
      description: "How long the earlier secret stays valid: `0s` to `7d`. Default `24h`.",
    }),
  ),
  expires: Type.Optional(
    Type.String({ maxLength: 32, description: "A new end of the token, as when it was created. Default: as it was." }),
  ),
});

function rotateRoute({ tokens, clock }: RouteDeps): Route {
  return defineRoute("POST", "/v1/tokens/:tokenId/rotate", {
    operationId: "rotateToken",
    ...signedIn,
    audited: true,
    tag: "access",
    summary: "Give a token another secret. The one before ends after the overlap.",
    params,
    body: RotateBody,
    answers: {
      200: { description: "The token with its new secret.", schema: NewApiToken },
      ...refused,
      ...unknown,
      409: { description: "OUTCOME_NEGATIVE: the token has ended." },
    },
    async handle({ params: { tokenId }, body }, { caller }) {
      const { secret, token } = await demand(tokens).rotate(caller, tokenId, body);
      return json(200, { token: secret, ...toView(token, clock.now()) } satisfies NewApiToken);
    },
  });
}

function revokeRoute({ tokens, clock }: RouteDeps): Route {
  return defineRoute("POST", "/v1/tokens/:tokenId/revoke", {
    operationId: "revokeToken",
    ...signedIn,
    audited: true,
    tag: "access",
    summary: "End a token, on this server at once, on others within 5 seconds.",
    params,
    body: Type.Object({}),
    answers: { 200: { description: "The token.", schema: ApiToken }, ...unknown },
    async handle({ params: { tokenId } }, { caller }) {
      return json(200, toView(await demand(tokens).revoke(caller, tokenId), clock.now()));
    },
  });
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
    createdBy: { kind: createdBy.kind, name: createdBy.name },
    createdAt: toInstant(createdAt),
    ...defined({
      expiresAt: toInstant(expiresAt),
      lastUsedAt: toInstant(lastUsedAt),
      earlierEndsAt: toInstant(earlierEndsAt),
      revokedAt: toInstant(revokedAt),
    }),
  };
}
