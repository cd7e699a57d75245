import { StackyardError } from "@stackyard/core";
import type { EcsTaskDeps, SdkClient } from "../custom-resource/turn.ts";

/** At which of all calls of its ports the function meets an error, and whether the call has its effect. */
export interface Fault {
  readonly at: number;
  readonly after: boolean;
}

/** Ports with one failing call. */
export interface FaultyDeps {
  readonly deps: EcsTaskDeps;
  /** Returns true if the fault has occurred. */
  isMet(): boolean;
}

type Call<T> = () => Promise<T>;

interface Sending {
  send(command: unknown, options?: unknown): Promise<unknown>;
}

/**
 * Creates ports with a fault. Errors are those that each port may return: of AWS, of an unavailable store, of a
 * connection.
 */
export function createFaultyDeps(deps: EcsTaskDeps, fault: Fault): FaultyDeps {
  const { records, aws, fetch } = deps;
  let calls = 0;

  async function meet<T>(call: Call<T>, toError: () => Error): Promise<T> {
    calls += 1;
    if (calls !== fault.at) return call();
    if (fault.after) await call();
    throw toError();
  }

  const unavailable = () => new StackyardError("STORE_UNAVAILABLE", "The table does not answer.");
  const serverError = () =>
    Object.assign(new Error("no"), { name: "ServerException", $fault: "server", $metadata: { httpStatusCode: 500 } });
  return {
    isMet: () => calls >= fault.at,
    deps: {
      ...deps,
      records: {
        get: (...input) => meet(() => records.get(...input), unavailable),
        put: (...input) => meet(() => records.put(...input), unavailable),
        remove: (...input) => meet(() => records.remove(...input), unavailable),
        list: (...input) => meet(() => records.list(...input), unavailable),
      },
      fetch: (...input) =>
        meet(
          () => fetch(...input),
          () => new TypeError("fetch failed"),
        ),
      aws<Client>(type: SdkClient<Client>, region?: string): Client {
        const client = aws(type, region);
        const sending = client as unknown as Sending;
        const send = sending.send.bind(client);
        sending.send = (...input) => meet(() => send(...input), serverError);
        return client;
      },
    },
  };
}
