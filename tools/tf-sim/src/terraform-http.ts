import type { Clock } from "@stackyard/core";

/** An answer as data: each reader of a `Response` needs one of its own. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** One request to the state backend. */
export interface HttpCall {
  readonly method: string;
  readonly body?: string;
  /** The id of the lock. */
  readonly id?: string;
}

/** The clients of Terraform's backend `http`, and the rules by which it reads answers. */
export interface StateClient {
  lock(id: string, timeoutMs: number): Promise<void>;
  unlock(id: string): Promise<void>;
  /** Returns undefined for no state. */
  get(): Promise<string | undefined>;
  post(state: string, id: string): Promise<void>;
}

interface StateClientDeps {
  readonly clock: Clock;
  /** The number of requests after the first. */
  readonly retries: number;
  send(call: HttpCall): Promise<HttpAnswer>;
}

/** The message of a request that failed. */
export class BackendError extends Error {}

const SECOND_MS = 1_000;
const MOST_WAIT_MS = 30 * SECOND_MS;
const MOST_LOCK_WAIT_MS = 16 * SECOND_MS;

/**
 * Creates the client (Terraform, `internal/backend/remote-state/http/client.go` and `statemgr.LockWithContext`; requests are
 * repeated by go-retryablehttp after a broken connection, 429, and 5xx other than 501).
 */
export function createStateClient({ clock, retries, send }: StateClientDeps): StateClient {
  async function call(input: HttpCall): Promise<HttpAnswer> {
    for (let tries = 0; ; tries += 1) {
      const answer = await send(input).catch((error: unknown) => String(error));
      const mayPass =
        typeof answer === "string" || answer.status === 429 || (answer.status >= 500 && answer.status !== 501);
      if (typeof answer !== "string" && !mayPass) return answer;
      if (tries === retries) {
        throw new BackendError(`${input.method} giving up after ${tries + 1} attempt(s): ${toText(answer)}`);
      }
      await clock.sleep(Math.min(SECOND_MS * 2 ** tries, MOST_WAIT_MS));
    }
  }

  async function tryLock(id: string): Promise<HttpAnswer> {
    const body = JSON.stringify({ ID: id, Operation: "OperationTypeApply", Info: "", Who: "runner@host", Path: "" });
    const answer = await call({ method: "LOCK", body });
    if ([200, 409, 423].includes(answer.status)) return answer;
    throw new BackendError(`Unexpected HTTP response code ${answer.status}`);
  }

  return {
    async lock(id, timeoutMs) {
      const until = clock.now() + timeoutMs;
      for (let waitMs = SECOND_MS; ; waitMs = Math.min(waitMs * 2, MOST_LOCK_WAIT_MS)) {
        const { status } = await tryLock(id);
        if (status === 200) return;
        if (clock.now() + waitMs > until) throw new BackendError("HTTP remote state already locked");
        await clock.sleep(waitMs);
      }
    },
    async unlock(id) {
      const { status } = await call({ method: "UNLOCK", body: JSON.stringify({ ID: id, Operation: "", Who: "" }) });
      if (status !== 200) throw new BackendError(`Unexpected HTTP response code ${status}`);
    },
    async get() {
      const { status, body } = await call({ method: "GET" });
      if (status === 404 || status === 204) return undefined;
      if (status !== 200) throw new BackendError(`Unexpected HTTP response code ${status}`);
      return body === "" ? undefined : body;
    },
    async post(state, id) {
      const { status } = await call({ method: "POST", body: state, id });
      if (![200, 201, 204].includes(status)) throw new BackendError(`HTTP error: ${status}`);
    },
  };
}

function toText(answer: HttpAnswer | string): string {
  return typeof answer === "string" ? answer : `status ${answer.status}`;
}
