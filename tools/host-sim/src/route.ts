import type { SimRepository } from "./bodies.ts";
import type { HeldReads } from "./changes.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Reports } from "./reports.ts";
import type { HostSimSettings } from "./settings.ts";

/** What requests are answered from. */
export interface State {
  readonly repositories: Map<string, SimRepository>;
  /** Numbers of repositories by their former names. */
  readonly former: Map<string, number>;
  readonly held: HeldReads;
  readonly deliveries: Deliveries;
  readonly settings: HostSimSettings;
  readonly reports: Reports;
  readonly tokens: Map<string, Token>;
}

/** A token of the installation. Undefined: it is not bound. */
export interface Token {
  readonly repositoryIds: readonly number[] | undefined;
  readonly permissions: Readonly<Record<string, string>> | undefined;
  /** Whose token it is; undefined: that of an App. */
  readonly login: string | undefined;
}

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly link?: string;
  readonly location?: string;
}

/** A request that is answered. */
export interface Route {
  readonly method: string;
  /** Of the path below the prefix. */
  readonly path: RegExp;
  /** `app`: the App itself must be the caller, not one with a token. */
  readonly credential?: "app";
  /** Which right to read a token must have; every token may read metadata. */
  readonly reads?: "pull_requests" | "contents";
  /** Which right to write a token must have. */
  readonly right?: "pull_requests" | "checks" | "statuses" | "deployments";
  answer(state: State, input: RouteInput): Answer | Promise<Answer>;
}

/** What a request says. */
export interface RouteInput {
  readonly url: URL;
  /** The groups of the path. */
  readonly groups: Readonly<Record<string, string | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Who sends it; undefined for an App. */
  readonly login: string | undefined;
}

/** The answer about what does not exist. */
export const MISSING: Answer = { status: 404, body: { message: "Not Found" } };
/** The beginning of paths of repositories. */
export const REPO = "^/repos/(?<repo>[^/]+/[^/]+)";

/** Source: "Using pagination in the REST API", GitHub Docs. */
const DEFAULT_PER_PAGE = 30;
const MOST_PER_PAGE = 100;

/** Answers with a body, or that it does not exist. */
export function toAnswer(body: unknown): Answer {
  return body === undefined ? MISSING : { status: 200, body };
}

/** Returns how many items a page of a list has. */
export function toPerPage(url: URL): number {
  return Math.min(Number(url.searchParams.get("per_page") ?? DEFAULT_PER_PAGE), MOST_PER_PAGE);
}

/** Answers with a page of a list. */
export function toPage(url: URL, all: readonly unknown[]): Answer & { readonly body: readonly unknown[] } {
  const page = Number(url.searchParams.get("page") ?? 1);
  const perPage = toPerPage(url);
  const body = all.slice((page - 1) * perPage, page * perPage);
  if (all.length <= page * perPage) return { status: 200, body };
  return { status: 200, body, link: toNext(url, "page", page + 1) };
}

/** Returns the header `link` of the next page. */
export function toNext(url: URL, parameter: "page" | "cursor", value: number): string {
  const next = new URL(url);
  next.searchParams.set(parameter, String(value));
  return `<${next}>; rel="next"`;
}
