import { expect, it } from "vitest";
import { aQueuedEvent } from "../store-conformance/store-builders.ts";
import { createSimulatedQueue } from "./simulated-queue.ts";

function createStage() {
  let now = 0;
  const queue = createSimulatedQueue(() => now);
  const receive = (limit = 9) => queue.receive(limit).map(({ value, deliveries }) => `${value.id} ${deliveries}`);
  for (const [id, stackId] of [
    ["a1", "a"],
    ["b1", "b"],
    ["a2", "a"],
  ] as const) {
    queue.send(aQueuedEvent(id, { stackId }));
  }
  return {
    queue,
    receive,
    pass(ms: number) {
      now += ms;
    },
  };
}

it("hands events out in order, and again when they are not answered in time", () => {
  const { receive, pass } = createStage();

  const first = [receive(), receive()];
  pass(30_000);

  expect([...first, receive()]).toEqual([["a1 1", "b1 1", "a2 1"], [], ["a1 2", "b1 2", "a2 2"]]);
});

it("hands out no event of a stack of which an earlier one is out", () => {
  const { queue, receive, pass } = createStage();
  receive(1);
  const others = receive();
  queue.giveBack("queue:1", 500);

  expect([others, receive(), queue.nextDueAt()]).toEqual([["b1 1"], [], 500]);
  pass(500);
  expect(receive()).toEqual(["a1 2", "a2 1"]);
});

it("lets go what is removed, once", () => {
  const { queue, receive } = createStage();
  receive(1);

  expect([queue.remove("queue:1")?.id, queue.remove("queue:1"), receive()]).toEqual([
    "a1",
    undefined,
    ["b1 1", "a2 1"],
  ]);
});

it("knows when there is something to receive", () => {
  const { queue, receive } = createStage();

  const before = queue.nextDueAt();
  receive();
  const after = queue.nextDueAt();
  for (const number of [1, 2, 3]) queue.remove(`queue:${number}`);

  expect([before, after, queue.nextDueAt()]).toEqual([0, 30_000, undefined]);
});
