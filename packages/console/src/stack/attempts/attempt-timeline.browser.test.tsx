import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { Gantt } from "../../design/charts/gantt.tsx";
import { anAttempt, anEntry, aStack, stackApi } from "../../testing/a-stack.ts";
import { renderPage } from "../../testing/render-page.tsx";
import { StackPage } from "../stack-page.tsx";

const ADDRESS = "/stack?id=pr-12";
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

/** A stack whose task failed twice and waits for a person since four minutes; `smoke` waits for it. */
function aStuckStack() {
  const first = anAttempt({ attempt: 1, dispatchedAt: minutesAgo(18) });
  const second = anAttempt({ attempt: 2, dispatchedAt: minutesAgo(8) });
  const history = [
    anEntry(9, { event: "TASK_ERROR", internal: true, eventId: `end:${second.attemptId}`, at: minutesAgo(4) }),
    anEntry(8, { event: "TASK_ERROR", internal: true, eventId: `end:${first.attemptId}`, at: minutesAgo(12) }),
  ];
  const stack = aStack({
    enteredAt: minutesAgo(20),
    attempts: [second, first],
    tasks: [
      { name: "database", status: "ERROR", errorMessage: "no room", why: "Failed: no room", attempt: second },
      { name: "smoke", status: "PENDING", detail: "WAITING", why: "Needs database." },
    ],
  });
  return { stack, history };
}

it("shows what waited, ran and failed on one line of time, and each bar leads to its log", async () => {
  await page.viewport(1_440, 1_200);
  const { stack, history } = aStuckStack();
  const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack, history));
  const timeline = screen.getByRole("region", { name: "Attempts since the state was entered" });

  await expect.element(timeline.getByText("needs attention for 4m")).toBeVisible();
  const second = timeline.getByRole("link", { name: "database, attempt 2: failed, 4m, its log" });
  await expect.element(second).toHaveAttribute("href", expect.stringContaining("/log?attempt="));
  await expect.element(timeline.getByText("smoke")).toBeVisible();

  const places = [...document.querySelectorAll(".gantt-bar")].map((bar) => {
    const track = bar.parentElement?.getBoundingClientRect() ?? new DOMRect();
    const box = bar.getBoundingClientRect();
    return [(box.left - track.left) / track.width, box.width / track.width].map((share) => Math.round(share * 20));
  });
  // Of twenty minutes: from the second on for six, from the twelfth on for four.
  expect(places).toEqual([
    [2, 6],
    [12, 4],
  ]);
});

it("is under the graph, below the failure, and before the tasks", async () => {
  await page.viewport(1_440, 1_200);
  const { stack, history } = aStuckStack();
  const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack, history));
  await expect.element(screen.getByRole("region", { name: "Attempts since the state was entered" })).toBeVisible();

  const tops = [".failure, [aria-label='Failures']", ".graph", ".gantt", ".task-list"].map(
    (selector) => document.querySelector(selector)?.getBoundingClientRect().top ?? Number.NaN,
  );
  expect(tops).toEqual(tops.toSorted((a, b) => a - b));
});

const FROM = Date.UTC(2026, 10, 20, 3);

const SECOND = 1_000;

/** Of thirteen minutes: one bar of five seconds, one of five minutes. */
const BARS = [
  { key: "1", text: "1", name: "app, attempt 1", from: FROM, to: FROM + 5 * SECOND, status: "failed" as const },
  {
    key: "2",
    text: "2",
    name: "app, attempt 2",
    from: FROM + 60 * SECOND,
    to: FROM + 360 * SECOND,
    status: "busy" as const,
  },
];

function Timeline() {
  const rows = [{ name: "app", bars: BARS, end: "Busy" }];
  return <Gantt label="Attempts" heads={["Task", "Result"]} rows={rows} from={FROM} to={FROM + 780 * SECOND} />;
}

it("cuts off no time of its axis on a phone, also where the first one is at the very beginning", async () => {
  await page.viewport(390, 800);
  await renderPage(Timeline, "/", {});
  await expect.poll(() => document.querySelectorAll(".gantt-tick").length).toBeGreaterThan(3);

  const place = document.querySelector(".gantt")?.getBoundingClientRect() ?? new DOMRect();
  const cut = [...document.querySelectorAll(".gantt-tick")].flatMap((tick) => {
    const { left, right } = tick.getBoundingClientRect();
    return left < place.left || right > place.right ? [tick.textContent] : [];
  });
  expect(cut).toEqual([]);
  const [axis, first] = [".gantt-track.ticks", ".gantt-tick"].map((each) =>
    Math.round(document.querySelector(each)?.getBoundingClientRect().left ?? Number.NaN),
  );
  expect(first).toBe(axis);
});

it("has no number in a bar that would cut it, which is still named", async () => {
  await page.viewport(1_440, 800);
  const { screen } = await renderPage(Timeline, "/", {});
  await expect.element(screen.getByRole("img", { name: /^app, attempt 1: failed, 5s/ })).toBeVisible();

  const bars = [...document.querySelectorAll(".gantt-bar")].map((bar) => {
    const { left, right, width } = bar.getBoundingClientRect();
    const text = document.createRange();
    text.selectNodeContents(bar.querySelector("span") ?? bar);
    const number = text.getBoundingClientRect();
    return {
      isNarrow: width < 20,
      isInside: number.left >= left && number.right <= right,
      isOut: number.left >= right,
    };
  });
  expect(bars).toEqual([
    { isNarrow: true, isInside: false, isOut: true },
    { isNarrow: false, isInside: true, isOut: false },
  ]);
});
