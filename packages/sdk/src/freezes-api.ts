import { defined } from "@stackyard/core";
import type { Freeze, FreezeHold } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call } from "./call.ts";
import type { CallOptions, HttpClient } from "./http-client.ts";

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
  /**
   * Lets one release pass. `seen`: when the freeze started; `RECORD_CONFLICT` for another one with the name. Throws
   * `NOT_FOUND`, and `STACK_UNKNOWN` for the release.
   */
  except(
    name: string,
    exception: { readonly release: string; readonly reason: string; readonly seen?: string },
    options?: CallOptions,
  ): Promise<Freeze>;
  /** Returns the freeze as it was. `seen` as above. Throws `NOT_FOUND`. Not repeated after a failure. */
  end(name: string, options?: CallOptions & { readonly reason?: string; readonly seen?: string }): Promise<Freeze>;
}

/** Creates the part of the client for freezes. */
export function createFreezesApi(http: HttpClient): FreezesApi {
  return {
    list: async (options) => (await call<typeof op.listFreezes>(http, "GET /v1/freezes", {}, options)).items,
    async held(freeze, options) {
      const given = { params: { freeze } };
      return (await call<typeof op.listFreezeHolds>(http, "GET /v1/freezes/:freeze/held", given, options)).items;
    },
    start: (body, options) =>
      call<typeof op.startFreeze>(http, "POST /v1/freezes", { body }, { repeatable: false, ...options }),
    except: (freeze, body, options) =>
      call<typeof op.exceptFromFreeze>(http, "POST /v1/freezes/:freeze/except", { params: { freeze }, body }, options),
    end(freeze, { reason, seen, ...options } = {}) {
      const given = { params: { freeze }, body: defined({ reason, seen }) };
      return call<typeof op.endFreeze>(http, "POST /v1/freezes/:freeze/end", given, { repeatable: false, ...options });
    },
  };
}
