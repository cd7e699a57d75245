import type { GraphLayout } from "@stackyard/core/drawing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LayoutAnswer, LayoutRequest } from "./layout-worker.ts";
import { createLayoutLoader } from "./load-layout.ts";

/** A worker whose answers the test sends. */
class FakeWorker extends EventTarget {
  readonly requests: LayoutRequest[] = [];
  isEnded = false;

  postMessage(request: LayoutRequest): void {
    this.requests.push(request);
  }

  terminate(): void {
    this.isEnded = true;
  }

  answer(data: LayoutAnswer): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

const LAYOUT: GraphLayout = { width: 1, height: 1, nodes: [], lines: [], stubs: [] };

function start() {
  const workers: FakeWorker[] = [];
  const load = createLayoutLoader(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as Partial<Worker> as Worker;
  }, 10_000);
  const layOut = () => load({ nodes: [], edges: [] }, { direction: "right" }, new AbortController().signal);
  return { layOut, workers };
}

describe("the worker that lays graphs out", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is waited for as long as it takes to load it", async () => {
    const { layOut, workers } = start();
    const laidOut = layOut();

    await vi.advanceTimersByTimeAsync(60_000);
    workers[0]?.answer({ kind: "ready" });
    workers[0]?.answer({ id: 1, layout: LAYOUT });

    expect(await laidOut).toEqual(LAYOUT);
    expect(workers).toHaveLength(1);
  });

  it("is replaced when it is silent for 10 s", async () => {
    const { layOut, workers } = start();
    const lost = layOut();
    workers[0]?.answer({ kind: "ready" });

    await vi.advanceTimersByTimeAsync(10_000);

    expect(await lost).toBeUndefined();
    void layOut();
    expect(workers.map(({ isEnded, requests }) => [isEnded, requests.length])).toEqual([
      [true, 1],
      [false, 1],
    ]);
  });
});
