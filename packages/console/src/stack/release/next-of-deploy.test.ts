import type { Deploy, ReleaseCalendar } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { NO_STACKS } from "./deploy-counts.ts";
import { findNextOfDeploy } from "./next-of-deploy.ts";

const hour = (at: number) => new Date(Date.UTC(2026, 10, 26, at)).toISOString();
const wave = (name: string, counts: Partial<typeof NO_STACKS>) => ({
  name,
  stacks: 5,
  counts: { ...NO_STACKS, ...counts },
});

const canary = wave("canary", { done: 5 });
const rest = wave("rest", { sent: 2, waiting: 22 });
const deploy = (changes: Partial<Deploy> = {}): Deploy => ({
  task: "tenants",
  op: "send",
  event: "RELEASED",
  metadata: {},
  startedAt: hour(1),
  waves: [canary, rest],
  ...changes,
});
const office = {
  calendar: "office",
  tasks: ["tenants"],
  waiting: 22,
  isOpen: false,
  opensAt: hour(17),
  open: [],
} satisfies ReleaseCalendar["windows"][number];
const freeze = { name: "winter", reason: "r", startedAt: hour(0), startedBy: "ada", passes: false };
const free = { windows: [], freezes: [] };
const paused = { ...canary, pause: { from: hour(10), to: hour(13) } };

it.each([
  ["sends", deploy(), free, { text: "22 stacks of rest are sent next" }],
  [
    "sends several waves",
    deploy({ waves: [wave("canary", { waiting: 1 }), rest] }),
    free,
    { text: "1 stack of canary is sent next, then 22 stacks of later waves" },
  ],
  [
    "is in a pause",
    deploy({ waves: [paused, rest] }),
    free,
    { text: "22 stacks of rest are sent when the pause after canary ends", at: hour(13) },
  ],
  [
    "waits for its window",
    deploy(),
    { ...free, windows: [office] },
    { text: "22 stacks of rest are sent when window office opens", at: hour(17) },
  ],
  [
    "waits for a freeze",
    deploy(),
    { windows: [{ ...office, isOpen: true }], freezes: [freeze] },
    { text: "22 stacks of rest are sent when no freeze holds (winter)", at: hour(17) },
  ],
  [
    "waits for a freeze that a person ends",
    deploy(),
    { ...free, freezes: [freeze] },
    { text: "22 stacks of rest are sent when no freeze holds (winter)" },
  ],
  [
    "has a freeze of some stacks, and one zone that is open",
    deploy(),
    { windows: [office, { ...office, isOpen: true }], freezes: [{ ...freeze, where: "true" }] },
    { text: "22 stacks of rest are sent next" },
  ],
  [
    "has another task's window",
    deploy(),
    { ...free, windows: [{ ...office, tasks: ["production"] }] },
    { text: "22 stacks of rest are sent next" },
  ],
  [
    "has sent all",
    deploy({ waves: [wave("rest", { sent: 1 })] }),
    free,
    { text: "All are sent; 1 stack on its way is awaited" },
  ],
  [
    "has stopped",
    deploy({ stop: { code: "C", message: "m" }, waves: [wave("rest", { sent: 2, unsent: 3 })] }),
    free,
    { text: "Nothing more is sent; 2 stacks on their way are awaited" },
  ],
  ["has stopped for good", deploy({ stop: { code: "C", message: "m" }, waves: [canary] }), free, undefined],
  ["has arrived", deploy({ waves: [canary] }), free, undefined],
  ["has ended", deploy({ endedAt: hour(11) }), free, undefined],
  ["undoes", deploy({ op: "undo" }), free, undefined],
])("says what a deployment does next that %s", (_, given, holds, expected) => {
  expect(findNextOfDeploy(given, holds, Date.parse(hour(12)))).toEqual(expected);
});
