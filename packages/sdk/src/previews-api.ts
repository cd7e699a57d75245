import { defined } from "@stackyard/core";
import type { Orphan, OrphanCheck, PreviewPull, StackPreview } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** Which previews to list. */
export interface PreviewFilter extends PageOptions {
  readonly host?: string;
  /** Its name, such as `acme/shop`, or its number. */
  readonly repository?: string;
  /** The number of the pull request. */
  readonly number?: number;
  /** Login of the author. */
  readonly owner?: string;
  readonly machine?: string;
  readonly state?: string;
  readonly condition?: string;
  /** True: only those that are not what their pull request needs. */
  readonly faulty?: boolean;
}

/** Removed stacks with remaining resources, and the last search for them. */
export interface OrphanPage extends Page<Orphan> {
  /** Missing while no search has ended. */
  readonly check?: OrphanCheck;
}

/** Stacks of pull requests. */
export interface PreviewsApi {
  /** Returns the remaining resources of stacks that were removed at least an hour ago. */
  orphans(options?: PageOptions): Promise<OrphanPage>;
  /** Returns previews in order of stack ids. */
  list(options?: PreviewFilter): Promise<Page<StackPreview>>;
  /** Throws `STACK_UNKNOWN`, and `NOT_FOUND` for a stack that is of no pull request. */
  get(stackId: string, options?: CallOptions): Promise<StackPreview>;
  /**
   * Links a stack to a pull request. Throws `STACK_UNKNOWN` for a stack that does not exist yet, and `FORBIDDEN` when the
   * token is from a job for another repository.
   */
  link(
    stackId: string,
    pull: PreviewPull,
    options?: CallOptions,
  ): Promise<{ readonly stackId: string; readonly pull: PreviewPull }>;
}

/** Creates the part of the client for previews. */
export function createPreviewsApi(http: HttpClient): PreviewsApi {
  return {
    orphans: ({ signal, ...query } = {}) => call<typeof op.listOrphans>(http, "GET /v1/orphans", { query }, { signal }),
    list: ({ faulty, ...filter } = {}) => {
      const query = defined({ faulty: faulty === undefined ? undefined : String(faulty) });
      return callPage<typeof op.listPreviews>(http, "GET /v1/previews", { query }, filter);
    },
    get: (stackId, options) =>
      call<typeof op.getPreview>(http, "GET /v1/previews/:stackId", { params: { stackId } }, options),
    link: (stackId, body, options) =>
      call<typeof op.linkPreview>(http, "PUT /v1/previews/:stackId/link", { params: { stackId }, body }, options),
  };
}
