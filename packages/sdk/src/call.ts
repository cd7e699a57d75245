import type { AnswerOf, AnyOperation, BodyOf, Method, SuccessOf, WireOf } from "@stackyard/core/api/operations";
import { type CallOptions, type HttpClient, loadPage, type Page, type PageOptions } from "./http-client.ts";

/** The parts of a request of an operation; those that it does not have are missing. */
type Given<Of extends AnyOperation> = (keyof Of["params"] extends never
  ? { readonly params?: undefined }
  : { readonly params: { readonly [Name in keyof Of["params"]]: string } }) &
  (BodyOf<Of> extends undefined ? { readonly body?: undefined } : { readonly body: BodyOf<Of> }) &
  (keyof Of["query"] extends never
    ? { readonly query?: undefined }
    : { readonly query?: { readonly [Name in keyof Of["query"]]?: string | number | undefined } });

interface Options extends CallOptions {
  /** False if the server may execute a repeated request twice. Default true. */
  readonly repeatable?: boolean;
}

/**
 * Calls an operation. Its type alone is given: the literal, the parts of the request and the answer are checked, and nothing
 * of its schemas is loaded.
 */
export function call<Of extends AnyOperation, Status extends SuccessOf<Of> = SuccessOf<Of>>(
  http: Pick<HttpClient, "requestJson">,
  wire: WireOf<Of>,
  { params, body, query }: Given<Of>,
  options?: Options,
): Promise<AnswerOf<Of, Status>> {
  const { method, path } = parseWire(wire, params);
  return http.requestJson({ method, path, body, ...(query && { query }), ...options });
}

/** Loads a page of a list up to its limit, as `loadPage` does. */
export function callPage<Of extends AnyOperation>(
  http: Pick<HttpClient, "requestJson">,
  wire: WireOf<Of>,
  { params, query }: Omit<Given<Of>, "body">,
  page?: PageOptions,
): Promise<Page<ItemOf<Of>>> {
  return loadPage(http, parseWire(wire, params).path, { ...query, ...page });
}

type ItemOf<Of extends AnyOperation> = AnswerOf<Of> extends { readonly items: readonly (infer Item)[] } ? Item : never;

/** Returns the method and the segments of a path, with the parameters in their places. */
function parseWire(wire: string, params: Readonly<Record<string, string>> = {}) {
  const [method, path = ""] = wire.split(" ") as [Method, string];
  const segments = path.slice(1).split("/");
  return { method, path: segments.map((part) => (part.startsWith(":") ? (params[part.slice(1)] ?? "") : part)) };
}
