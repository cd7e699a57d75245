import { describe, expect, it } from "vitest";
import { createTrial } from "../testing/trial.ts";

const SOURCE = `
version: 2
events: [OPENED, TOLD, CHECK, WANTED]
states:
  INIT: { on: { OPENED: [{ action: advance, state: BUILD, raise: TOLD }] } }
  BUILD:
    tasks: [app]
    on: { TOLD: no-op, NEXT: [{ action: advance, state: LIVE, raise: CHECK }] }
  LIVE: { on: { CHECK: [{ action: advance, state: DONE, raise: WANTED }] } }
  DONE: { on: { WANTED: no-op } }
tasks:
  app: { executor: work, config: {} }
`;

async function play() {
  const trial = createTrial({ source: SOURCE });
  const { yard } = trial;
  await yard.publish({ id: "e1", stackId: "s", event: "OPENED", machine: "app" });
  await yard.settle();
  const { items } = await yard.store.queries.listHistory({ stackId: "s" }, { limit: 100 });
  return { ...trial, lines: items };
}

describe("an event that a reaction raises", () => {
  it("has a line of its own after the one that has raised it", async () => {
    const { lines } = await play();

    expect(lines.map(({ event, from, to, raisedBy }) => [event, from, to, raisedBy])).toEqual([
      ["OPENED", undefined, "BUILD", undefined],
      ["TOLD", "BUILD", "BUILD", "e1"],
      ["TASK_COMPLETED", "BUILD", "LIVE", undefined],
      ["CHECK", "LIVE", "DONE", lines[2]?.eventId],
      ["WANTED", "DONE", "DONE", lines[3]?.eventId],
    ]);
    expect(lines.slice(3).map(({ eventId, internal }) => [eventId, internal])).toEqual([
      [`raise:1:internal:${lines[2]?.eventId}`, true],
      [`raise:2:internal:${lines[2]?.eventId}`, true],
    ]);
  });

  it("is committed with it", async () => {
    const { yard } = createTrial({ source: SOURCE });
    const commits: string[][] = [];
    const { commit } = yard.store;
    yard.store.commit = (changes) => {
      commits.push(changes.flatMap(({ history }) => history.map(({ event }) => event)));
      return commit.call(yard.store, changes);
    };

    await yard.publish({ id: "e1", stackId: "s", event: "OPENED", machine: "app" });
    await yard.settle();

    expect(commits).toContainEqual(["OPENED", "TOLD"]);
    expect(commits.flat()).toContain("CHECK");
    expect(commits.filter((events) => events[0] === "CHECK" || events[0] === "WANTED")).toEqual([]);
  });
});

it("has another id than one that an event from outside with the id of a timer has raised", async () => {
  const source = `
version: 2
events: [OPENED, ASKED, TOLD]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { after: [{ in: 5s, event: ASKED }], on: { ASKED: [{ action: no-op, raise: TOLD }], TOLD: no-op } }
`;
  const { yard } = createTrial({ source });
  await yard.publish({ id: "e1", stackId: "s", event: "OPENED", machine: "app" });
  await yard.settle();
  const [armed] = (await yard.findStack("s"))?.timers ?? [];
  const timer = `timer:e1:${armed?.id}`;
  await yard.publish({ id: timer, stackId: "s", event: "ASKED" });
  await yard.settle();
  await yard.advance(10_000);
  const { items } = await yard.store.queries.listHistory({ stackId: "s" }, { limit: 100 });
  const ids = items.filter(({ event }) => event === "TOLD").map(({ eventId }) => eventId);

  expect(ids).toEqual([`raise:1:${timer}`, `raise:1:internal:${timer}`]);
});
