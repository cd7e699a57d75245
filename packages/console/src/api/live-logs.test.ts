import { describe, expect, it } from "vitest";
import { createLiveLogs } from "./live-logs.ts";

function create() {
  const begun: string[] = [];
  const open = new Map<string, AbortSignal>();
  const logs = createLiveLogs((attemptId, signal) => {
    begun.push(attemptId);
    open.set(attemptId, signal);
  });
  const followed = () => [...open].filter(([, signal]) => !signal.aborted).map(([attemptId]) => attemptId);
  return { logs, begun, followed };
}

describe("createLiveLogs", () => {
  it("follows the logs of two windows side by side [kestra#7226, argo-cd#9212]", () => {
    const { logs, begun, followed } = create();

    logs.update(["a"]);
    logs.update(["b", "a"]);
    logs.update(["b", "a", "b"]);

    expect(followed()).toEqual(["a", "b"]);
    expect(begun).toEqual(["a", "b"]);
  });

  it("ends what no window shows, and begins again", () => {
    const { logs, begun, followed } = create();

    logs.update(["a", "b"]);
    logs.update(["b"]);
    expect(followed()).toEqual(["b"]);
    logs.update([]);
    expect(followed()).toEqual([]);
    logs.update(["a"]);

    expect(begun).toEqual(["a", "b", "a"]);
  });

  it("leaves connections for requests: two logs at most, the newest", () => {
    const { logs, followed } = create();

    logs.update(["a"]);
    logs.update(["c", "b", "a"]);

    expect(followed().sort()).toEqual(["b", "c"]);
  });
});
