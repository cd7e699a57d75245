import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { createCaller } from "./process-calls.ts";

type Functions = { readonly double: (input: { value: number }) => Promise<number> };

/** A child that keeps what it is sent. */
function createChild() {
  const sent: { id: number; name: string; input: unknown }[] = [];
  const child = Object.assign(new EventEmitter(), { send: (message: (typeof sent)[number]) => sent.push(message) });
  return { child: child as unknown as ChildProcess, sent };
}

describe("createCaller", () => {
  it("gives each call its own answer, whatever their order", async () => {
    const { child, sent } = createChild();
    const call = createCaller<Functions>(child);
    const both = Promise.all([call("double", { value: 1 }), call("double", { value: 2 })]);

    for (const { id, input } of sent.toReversed()) {
      child.emit("message", { id, value: (input as { value: number }).value * 2 });
    }

    expect(await both).toEqual([2, 4]);
  });

  it("fails with the child's error", async () => {
    const { child, sent } = createChild();
    const failing = createCaller<Functions>(child)("double", { value: 1 });

    child.emit("message", { id: sent[0]?.id, error: "no such table" });

    await expect(failing).rejects.toThrow("double: no such table");
  });

  it("fails when the child dies before it answers", async () => {
    const { child } = createChild();
    const failing = createCaller<Functions>(child)("double", { value: 1 });

    child.emit("exit", null, "SIGKILL");

    await expect(failing).rejects.toThrow("double: The process ended with SIGKILL.");
  });
});
