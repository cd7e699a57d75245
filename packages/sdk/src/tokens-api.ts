import type { ApiToken, NewApiToken } from "@stackyard/core/api";
import type { PageOptions } from "./http-client.ts";
import { type CallOptions, type HttpClient, loadPage, type Page } from "./http-client.ts";

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

/** How a token gets another secret. */
export interface RotateTokenOptions extends CallOptions {
  /** How long the earlier secret stays valid: `0s` to `7d`. Default `24h`. */
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
  const post = <Answer>(path: readonly string[], body: unknown, options: CallOptions = {}) => {
    const { signal } = options;
    const request = { method: "POST", path: ["v1", "tokens", ...path], body, signal } as const;
    // A retry would create another secret, and the first one would be lost.
    return http.requestJson<Answer>({ ...request, repeatable: path[1] === "revoke" });
  };
  return {
    list: ({ signal, ...query } = {}) => loadPage(http, { path: ["v1", "tokens"], query, signal }),
    create: (input, options) => post([], input, options),
    rotate: (tokenId, { signal, ...body } = {}) => post([tokenId, "rotate"], body, { signal }),
    revoke: (tokenId, options) => post([tokenId, "revoke"], {}, options),
  };
}
