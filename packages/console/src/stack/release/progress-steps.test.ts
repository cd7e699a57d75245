import { describe, expect, it } from "vitest";
import { NO_STACKS } from "./deploy-counts.ts";
import { HEIGHT, toProgressDrawing, WIDTH } from "./progress-steps.ts";

const waves = [{ name: "all", stacks: 4, counts: NO_STACKS }];
const at = (minute: number) => new Date(Date.UTC(2026, 10, 26, 12, minute)).toISOString();
const point = (minute: number, done: number, failed = 0) => ({ at: at(minute), done, failed });

describe("toProgressDrawing", () => {
  it("draws steps from the begin to now, as high as all stacks", () => {
    const drawing = toProgressDrawing({ waves, progress: [point(0, 0), point(5, 1), point(8, 4)] }, Date.parse(at(10)));

    expect(drawing?.arrived).toBe(`M0 ${HEIGHT}H${WIDTH / 2}V${HEIGHT * 0.75}H${WIDTH * 0.8}V0H${WIDTH}`);
    expect(drawing?.failed).toBe("");
    expect([drawing?.from, drawing?.to]).toEqual([Date.parse(at(0)), Date.parse(at(10))]);
  });

  it("ends with the task, and draws its failures too", () => {
    const progress = [point(0, 0), point(5, 1, 1)];

    const drawing = toProgressDrawing({ waves, progress, endedAt: at(10) }, Date.parse(at(50)));

    expect(drawing?.to).toBe(Date.parse(at(10)));
    expect(drawing?.failed).toBe(`M0 ${HEIGHT}H${WIDTH / 2}V${HEIGHT * 0.75}H${WIDTH}`);
  });

  it("stays in its box where more is counted than the plan has, and where the clock of the page is behind", () => {
    const progress = [point(0, 0), point(10, 5)];

    const drawing = toProgressDrawing({ waves, progress }, Date.parse(at(5)));

    expect(drawing?.arrived).toBe(`M0 ${HEIGHT}H${WIDTH}V0H${WIDTH}`);
    expect(drawing?.to).toBe(Date.parse(at(10)));
  });

  it("shows pauses where they were, one that lasts up to now", () => {
    const pauses = [
      { ...waves[0], name: "canary", stacks: 2, counts: NO_STACKS, pause: { from: at(2), to: at(4) } },
      { ...waves[0], name: "rest", stacks: 2, counts: NO_STACKS, pause: { from: at(8), to: at(60) } },
    ];

    const drawing = toProgressDrawing({ waves: pauses, progress: [point(0, 0)] }, Date.parse(at(10)));

    expect(drawing?.pauses).toEqual([
      { wave: "canary", x: 120, width: 120 },
      { wave: "rest", x: 480, width: 120 },
    ]);
  });

  it("is missing where nothing is known, such as of a deployment of an older version", () => {
    expect(toProgressDrawing({ waves }, 0)).toBeUndefined();
    expect(toProgressDrawing({ waves: [], progress: [point(0, 0)] }, 0)).toBeUndefined();
  });
});
