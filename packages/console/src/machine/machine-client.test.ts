import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMachineClient } from "./machine-client.ts";
import type { WorkerAnswer, WorkerRequest } from "./messages.ts";

/** A worker whose answers the test sends. */
class FakeWorker {
  readonly requests: WorkerRequest[] = [];
  isEnded = false;
  onmessage: ((message: { readonly data: WorkerAnswer }) => void) | undefined;

  postMessage(request: WorkerRequest): void {
    this.requests.push(request);
  }

  terminate(): void {
    this.isEnded = true;
  }

  answer(data: WorkerAnswer): void {
    this.onmessage?.({ data });
  }
}

function start() {
  const workers: FakeWorker[] = [];
  const client = createMachineClient(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as Partial<Worker> as Worker;
  }, 5_000);
  return { client, workers };
}

const input = { text: "", name: "LIVE" };

describe("the client of the worker", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("waits as long as it takes to load the worker", async () => {
    const { client, workers } = start();
    const answered = client.run("literals", input);

    vi.advanceTimersByTime(60_000);
    workers[0]?.answer({ kind: "ready" });
    workers[0]?.answer({ id: 1, output: [] });

    expect(await answered).toEqual([]);
    expect(workers).toHaveLength(1);
  });

  it("replaces a worker that is silent for 5 s", async () => {
    const { client, workers } = start();
    const lost = expect(client.run("literals", input)).rejects.toMatchObject({ code: "MACHINE_TIMEOUT" });
    workers[0]?.answer({ kind: "ready" });

    vi.advanceTimersByTime(5_000);
    await lost;
    void client.run("literals", input);

    expect(workers.map(({ isEnded, requests }) => [isEnded, requests.length])).toEqual([
      [true, 1],
      [false, 1],
    ]);
  });
});
