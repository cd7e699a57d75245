import { describe, expect, it } from "vitest";
import { createTrial } from "../testing/trial.ts";

const toSource = ({ next = "", tasks = "[build, deploy]" }: { readonly next?: string; readonly tasks?: string }) => `
version: 2
revision: follow
events: [GO, NOTE, END]
states:
  INIT: { on: { GO: RELEASE } }
  RELEASE: { tasks: ${tasks}, on: { NOTE: no-op, END: GONE${next} } }
  LIVE: { on: { NOTE: no-op, END: GONE } }
  GONE: { terminal: true }
tasks:
  build: { executor: work }
  deploy: { executor: work${tasks.includes("build") ? ", needs: [build]" : ""} }
`;

describe("a stack that follows its machine", () => {
  it("continues without an event when the document gets the NEXT for which it waits", async () => {
    const { yard, locator } = createTrial({ source: toSource({}) });
    await yard.publish({ id: "e1", stackId: "s", event: "GO", machine: "app" });
    await yard.settle();
    const before = await yard.findStack("s");

    locator.write("app", toSource({ next: ", NEXT: LIVE" }));
    await yard.advance(60_000);

    expect([before?.state, before?.pending, before?.stalled?.code]).toEqual(["RELEASE", ["NEXT"], "EVENT_NOT_HANDLED"]);
    expect(await yard.findStack("s")).toMatchObject({ state: "LIVE", tasks: [] });
    expect((await yard.listHistory("s")).at(-1)).toMatchObject({ event: "UPGRADE_STACK", to: "LIVE" });
  });

  it("says once why it does not move, and forgets that when it has", async () => {
    const { yard, locator } = createTrial({
      source: toSource({ next: ", NEXT: LIVE" }),
      script: ({ task }) =>
        task === "build" ? { kind: "failed", code: "NO", message: "no", retryable: false } : undefined,
    });
    await yard.publish({ id: "e1", stackId: "s", event: "GO", machine: "app" });
    await yard.settle();

    locator.write("app", toSource({ next: ", NEXT: LIVE", tasks: "[lint]" }).replace("deploy:", "lint:"));
    await yard.publish({ id: "e2", stackId: "s", event: "NOTE" });
    await yard.publish({ id: "e3", stackId: "s", event: "NOTE" });
    await yard.settle();

    const held = await yard.findStack("s");
    const notes = (await yard.listHistory("s")).flatMap((line) => line.notes);
    expect(held?.heldBack).toMatchObject({ code: "UPGRADE_TASK_UNKNOWN" });
    expect(notes.filter((line) => line.includes("keeps its revision"))).toHaveLength(1);
  });
});
