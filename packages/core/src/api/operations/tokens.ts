import { Type } from "typebox";
import { ApiTokenRequest } from "../../access/api-token.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { pageQuery } from "./fields.ts";

const signedIn = { permission: "signed-in", subject: "none", tag: "access" } as const;
const refused = { 403: refusal("FORBIDDEN: a token never has more than its creator.") };
const unknown = { 404: refusal("NOT_FOUND") };
const params = { tokenId: Type.String({ minLength: 1, maxLength: 64 }) };

export const getMe = defineOperation("GET", "/v1/me", {
  operationId: "getMe",
  ...signedIn,
  summary: "Who the caller is, and what it may do.",
  answers: { 200: answer("Me", "The caller.") },
});

export const listTokens = defineOperation("GET", "/v1/tokens", {
  operationId: "listTokens",
  ...signedIn,
  summary:
    "API tokens of the caller; of all with the permission `access`. Those that have ended are listed for 30 days.",
  query: pageQuery,
  answers: { 200: page("ApiToken", "A page; it may be short and have a cursor.") },
});

export const createToken = defineOperation("POST", "/v1/tokens", {
  operationId: "createToken",
  ...signedIn,
  audited: true,
  summary: "Create an API token. Its secret is in this answer only.",
  body: ApiTokenRequest,
  example: { body: { name: "ci", role: "viewer" } },
  answers: {
    201: answer("NewApiToken", "The token with its secret."),
    ...refused,
    409: refusal("OUTCOME_NEGATIVE: the caller has 100 tokens."),
  },
});

export const rotateToken = defineOperation("POST", "/v1/tokens/:tokenId/rotate", {
  operationId: "rotateToken",
  ...signedIn,
  audited: true,
  summary: "Give a token another secret. The one before ends after the overlap.",
  params,
  body: Type.Object({
    overlap: Type.Optional(
      Type.String({
        maxLength: 32,
        description: "How long the earlier secret stays valid: `0s` to `7d`. Default `24h`.",
      }),
    ),
    expires: Type.Optional(
      Type.String({
        maxLength: 32,
        description: "A new end of the token, as when it was created. Default: as it was.",
      }),
    ),
  }),
  answers: {
    200: answer("NewApiToken", "The token with its new secret."),
    ...refused,
    ...unknown,
    409: refusal("OUTCOME_NEGATIVE: the token has ended."),
  },
});

export const revokeToken = defineOperation("POST", "/v1/tokens/:tokenId/revoke", {
  operationId: "revokeToken",
  ...signedIn,
  audited: true,
  summary: "End a token, on this server at once, on others within 5 seconds.",
  params,
  body: Type.Object({}),
  answers: { 200: answer("ApiToken", "The token."), ...unknown },
});

export const listSessions = defineOperation("GET", "/v1/sessions", {
  operationId: "listSessions",
  ...signedIn,
  summary: "Logins that have not ended: your own, and with the permission `access` those of others.",
  query: pageQuery,
  answers: { 200: page("Session", "In order of ids.") },
});

export const revokeSession = defineOperation("POST", "/v1/sessions/:sessionId/revoke", {
  operationId: "revokeSession",
  ...signedIn,
  audited: true,
  summary: "End a login: on this server at once, on others within 5 s.",
  params: { sessionId: Type.String({ pattern: "^[0-9a-f]{32}$" }) },
  answers: { 200: answer("Session", "The session as it was.") },
});
