import type { ReleaseCalendar } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { anAttempt, aStack, stackApi } from "../../testing/a-stack.ts";
import { problem, renderPage } from "../../testing/render-page.tsx";
import { HOSTILE, SHOWN_HOSTILE } from "../../testing/stacks.ts";
import { ReleasePage } from "./release-page.tsx";

const HOUR_MS = 3_600_000;
const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const hour = (at: number) => new Date(now + at * HOUR_MS).toISOString();

const office = {
  calendar: "office",
  tasks: ["tenants"],
  waiting: 22,
  zone: "Europe/Berlin",
  isOpen: false,
  opensAt: hour(17),
  closesAt: hour(24),
  open: [
    { from: hour(-7), to: hour(-1) },
    { from: hour(17), to: hour(24) },
  ],
};
const closed: ReleaseCalendar = { from: hour(-12), to: hour(60), windows: [office], freezes: [], alarms: [] };
const freeze = { name: "winter", reason: "Christmas", startedAt: hour(-2), startedBy: "ada", passes: false };

function showRelease(calendar: unknown, status: "suspended" | "settled" = "suspended") {
  const { outcome: _, ...sending } = anAttempt({ executor: "deploy", task: "tenants", status: "suspended" });
  const attempt = status === "settled" ? anAttempt({ executor: "deploy", task: "tenants" }) : sending;
  return renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(aStack({ attempts: [attempt] })),
    "GET /v1/stacks/pr-12/deploys": { items: [] },
    "GET /v1/stacks/pr-12/calendar": calendar,
  });
}

const instants = () =>
  [...document.querySelectorAll(".gate-opening time")].map((each) => each.getAttribute("datetime"));

it.each([390, 1_440])(
  "shows when a calendar opens next, over time and as a list, %i px wide",
  { tags: "page" },
  async (width) => {
    await page.viewport(width, 1_200);
    const { screen } = await showRelease({ ...closed, alarms: ["shop-errors"] });

    const panel = screen.getByRole("region", { name: "Window office" });
    await expect.element(panel.getByText("window office opens")).toBeVisible();
    expect(instants()).toEqual([hour(17)]);
    await expect.element(panel.getByText("Europe/Berlin, for tenants: 22 stacks to be sent")).toBeVisible();
    const line = panel.getByRole("img", { name: "Window office over time: open 2 times" });
    await expect.element(line).toBeVisible();
    expect(line.element().querySelectorAll(".gate-open")).toHaveLength(2);
    await expect.element(screen.getByText("Read before each event: alarm shop-errors")).toBeVisible();
    await expect.element(screen.getByText("no freeze")).toBeVisible();
    await panel.getByText("All times in these days").click();
    await expect.element(panel.getByRole("listitem").nth(1)).toBeVisible();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  },
);

it("shows until when a window is open", async () => {
  const { opensAt: _, ...window } = office;
  const { screen } = await showRelease({ ...closed, windows: [{ ...window, isOpen: true, closesAt: hour(3) }] });

  await expect.element(screen.getByText("window office is open until")).toBeVisible();
  expect(instants()).toEqual([hour(3)]);
  await expect.element(screen.getByText("Open", { exact: true })).toBeVisible();
});

it.each([
  ["without an end", {}, "holds all stacks, until a person ends it: Christmas"],
  ["of some stacks", { where: "metadata.tier == 'gold'" }, "holds some stacks, until a person ends it: Christmas"],
  ["that lets the release pass", { passes: true }, "this release may pass, until a person ends it: Christmas"],
])("names a freeze %s, what it holds and until when (octopus#9527)", async (_, changes, text) => {
  const { opensAt: __, closesAt: ___, ...window } = { ...office, isOpen: true };
  const { screen } = await showRelease({ ...closed, windows: [window], freezes: [{ ...freeze, ...changes }] });

  await expect.element(screen.getByText("freeze winter")).toBeVisible();
  await expect.element(screen.getByText(text)).toBeVisible();
  const state = text.startsWith("holds all") ? "Closed" : "Open";
  await expect.element(screen.getByText(state, { exact: true })).toBeVisible();
  expect(document.querySelectorAll(".gate-frozen")).toHaveLength(state === "Closed" ? 1 : 0);
});

it("says why the hours of a calendar are not known", async () => {
  const broken = { calendar: HOSTILE, tasks: ["tenants"], waiting: 0, isOpen: false, open: [], problem: HOSTILE };
  const { screen } = await showRelease({ ...closed, windows: [broken] });

  const panel = screen.getByRole("region", { name: `Window ${SHOWN_HOSTILE}` });
  await expect.element(panel.getByText(SHOWN_HOSTILE).nth(1)).toBeVisible();
  expect(panel.element().outerHTML).not.toMatch(/\u202e/);
});

it("says that the calendar cannot be loaded, and promises nothing to a release that has ended", async () => {
  const failed = await showRelease(problem(500, "INTERNAL", "The store is locked."));
  await expect.element(failed.screen.getByText("The store is locked.")).toBeVisible();
  await failed.screen.unmount();

  const ended = await showRelease(closed, "settled");
  await expect.element(ended.screen.getByRole("region", { name: "Stages" })).toBeVisible();
  expect(ended.sent.some(({ path }) => path.endsWith("/calendar"))).toBe(false);
});
