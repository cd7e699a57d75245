import { defined } from "@stackyard/core";
import type { Freeze, FreezeHold } from "@stackyard/core/api";
import { type CallOptions, type HttpClient, loadItems, postJson } from "./http-client.ts";

/** A new freeze. */
export interface NewFreeze {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly reason: string;
  /** Stacks of this machine. Default: of all machines. */
  readonly machine?: string;
  /** CEL over `stack` and `metadata`. Default: all of them. */
  readonly where?: string;
  /** When it ends by itself: ISO 8601. Default: a person ends it. */
  readonly to?: string;
}

/** Freezes: stacks that releases send no new events to. Each change needs `repair` for all that the freeze matches. */
export interface FreezesApi {
  /** Returns those that have not ended, by name. */
  list(options?: CallOptions): Promise<readonly Freeze[]>;
  /** Returns what a freeze holds now: tasks of releases, with how many stacks. Throws `NOT_FOUND`. */
  held(name: string, options?: CallOptions): Promise<readonly FreezeHold[]>;
  /** Throws `RECORD_CONFLICT` for a name that is in use. Not repeated after a failure. */
  start(freeze: NewFreeze, options?: CallOptions): Promise<Freeze>;
  /** Lets one release pass. Throws `NOT_FOUND`, and `STACK_UNKNOWN` for the release. */
  except(
    name: string,
    exception: { readonly release: string; readonly reason: string },
    options?: CallOptions,
  ): Promise<Freeze>;
  /** Returns the freeze as it was. Throws `NOT_FOUND`. Not repeated after a failure. */
  end(name: string, options?: CallOptions & { readonly reason?: string }): Promise<Freeze>;
}

/** Creates the part of the client for freezes. */
export function createFreezesApi(http: HttpClient): FreezesApi {
  const path = (...parts: readonly string[]) => ["v1", "freezes", ...parts];
  return {
    list: (options) => loadItems(http, path(), options),
    held: (name, options) => loadItems(http, path(name, "held"), options),
    start: (freeze, options) => postJson(http, path(), freeze, { repeatable: false, ...options }),
    except: (name, exception, options) => postJson(http, path(name, "except"), exception, options),
    end: (name, { reason, ...options } = {}) =>
      postJson(http, path(name, "end"), defined({ reason }), { repeatable: false, ...options }),
  };
}
