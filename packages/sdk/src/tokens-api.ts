import type { ApiToken, NewApiToken } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** The rights of a new token: never more than its creator has. */
export interface CreateTokenInput {
  /** As histories show it: letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  readonly role: ApiToken["role"];
  /** More permissions than those of the role. */
  readonly also?: NonNullable<ApiToken["also"]>;
  /** Names of machines. Default: all. */
  readonly machines?: readonly string[];
  /** Beginnings of stack ids. Default: all. */
  readonly stacks?: readonly string[];
  /** Groups of the token, for machines that limit who may send an event. */
  readonly groups?: readonly string[];
  /** A duration such as `30d`, at most `366d`, or `never`. Default `90d`. */
  readonly expires?: string;
}

/** The options of replacing a token's secret. */
export interface RotateTokenOptions extends CallOptions {
  /** The time for which the earlier secret stays valid: `0s` to `7d`. Default `24h`. */
  readonly overlap?: string;
  /** A new end of the token. Default: as it was. */
  readonly expires?: string;
}

/** API tokens: your own, and with the permission `access` those of others. */
export interface TokensApi {
  /** Returns tokens in order of ids. Ended ones are listed for 30 days. A page may be short and have a cursor. */
  list(page?: PageOptions): Promise<Page<ApiToken>>;
  /** Creates a token. Not retried. Throws `FORBIDDEN` for more rights than the caller has, `USAGE`. */
  create(input: CreateTokenInput, options?: CallOptions): Promise<NewApiToken>;
  /** Throws `NOT_FOUND`, `OUTCOME_NEGATIVE` for a token that has ended, and as `create`. */
  rotate(tokenId: string, options?: RotateTokenOptions): Promise<NewApiToken>;
  /** Ends a token: on that server immediately, on others within 5 s. Throws `NOT_FOUND`. */
  revoke(tokenId: string, options?: CallOptions): Promise<ApiToken>;
}

/** Creates the part of the client for API tokens. */
export function createTokensApi(http: HttpClient): TokensApi {
  // A retry would create another secret, and the first one would be lost.
  const once = { repeatable: false };
  return {
    list: (page) => callPage<typeof op.listTokens>(http, "GET /v1/tokens", {}, page),
    create: (body, options) => call<typeof op.createToken>(http, "POST /v1/tokens", { body }, { ...once, ...options }),
    rotate(tokenId, { signal, ...body } = {}) {
      const given = { params: { tokenId }, body };
      return call<typeof op.rotateToken>(http, "POST /v1/tokens/:tokenId/rotate", given, { ...once, signal });
    },
    revoke: (tokenId, options) =>
      call<typeof op.revokeToken>(http, "POST /v1/tokens/:tokenId/revoke", { params: { tokenId }, body: {} }, options),
  };
}
