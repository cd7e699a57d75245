import type { LogTime } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { changeSettings } from "../../design/settings.ts";
import { anAttempt } from "../../testing/a-stack.ts";
import { problem, renderPage, type SentRequest } from "../../testing/render-page.tsx";
import { LogPage } from "./log-page.tsx";

const ID = "pr-12/open/1/database/1";
const ADDRESS = `/log?attempt=${encodeURIComponent(ID)}`;
const ESC = "\u001b";

/** A server with a log that answers ranges as ours does. */
async function showLog(text: string, address = ADDRESS, changes = {}, times: readonly LogTime[] = []) {
  const log = new TextEncoder().encode(text);
  const ranges: string[] = [];
  const answerLog = (_: unknown, headers: Headers) => {
    const range = headers.get("range") ?? "";
    ranges.push(range);
    const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
    const from = first === "" ? Math.max(0, log.length - Number(last)) : Number(first);
    const to = first === "" || last === "" ? log.length : Math.min(log.length, Number(last) + 1);
    if (from >= to) return problem(416, "USAGE", "The log is shorter.");
    const contentRange = { "content-range": `bytes ${from}-${to - 1}/${log.length}` };
    return new Response(log.slice(from, to), { status: 206, headers: contentRange });
  };
  const shown = await renderPage(LogPage, address, {
    [`GET /v1/attempts/${ID}`]: anAttempt(changes),
    [`GET /v1/attempts/${ID}/full-log`]: answerLog,
    [`GET /v1/attempts/${ID}/log-times`]: ({ query: { from, to } }: SentRequest) => ({
      from: Number(from),
      to: Number(to),
      times: times.filter(({ at }) => at < Number(to)),
    }),
  });
  return { ...shown, ranges };
}

afterEach(() => changeSettings({ logTimes: false, zone: "local" }));

const NOON = Date.UTC(2026, 10, 26, 12);

describe("the page of a log", () => {
  it("shows when each line was logged where the person wants it, with its zone, and keeps the choice (argo-cd#7663)", {
    tags: "page",
  }, async () => {
    changeSettings({ zone: "utc" });
    const times = [
      { at: 0, time: NOON + 900 },
      { at: 8, time: NOON + 61_200 },
    ];
    const { screen, sent } = await showLog("one\ntwo\nthree\n", ADDRESS, {}, times);
    await expect.element(screen.getByText("three")).toBeVisible();
    // Nothing is loaded that is not shown.
    expect(sent.filter(({ path }) => path.endsWith("log-times"))).toEqual([]);

    await screen.getByRole("button", { name: "Show when each line was logged" }).click();

    const shown = () => [...document.querySelectorAll(".log-time")].map(({ textContent }) => textContent);
    await expect.poll(shown).toEqual(["12:00:00.9", "12:00:00.9", "12:01:01.2"]);
    await expect.element(screen.getByText("Times in UTC")).toBeVisible();
    expect(document.querySelector(".log-time")?.getAttribute("title")).toBe("2026-11-26 12:00:00.9 UTC");
    expect(JSON.parse(localStorage.getItem("stackyard-settings") ?? "{}")).toMatchObject({ logTimes: true });
    // The file has what the page shows (argo-cd#29473).
    await expect
      .element(screen.getByRole("link", { name: "Download" }))
      .toHaveAttribute("href", expect.stringMatching(/full-log\?timestamps=true$/));
  });

  it("copies lines without numbers and times (determined#889)", async () => {
    changeSettings({ logTimes: true });
    const { screen } = await showLog("one\ntwo\nthree\n", ADDRESS, {}, [{ at: 0, time: NOON }]);
    await expect.poll(() => document.querySelectorAll("time.log-time").length).toBe(3);

    getSelection()?.selectAllChildren(screen.getByRole("region", { name: "Lines of the log" }).element());

    expect(getSelection()?.toString().trim().split(/\n+/)).toEqual(["one", "two", "three"]);
    getSelection()?.removeAllRanges();
  });

  it("says that no times are known, instead of something else in their place (argo-cd#19723)", async () => {
    changeSettings({ logTimes: true });
    const { screen } = await showLog("one\ntwo\n");

    await expect.element(screen.getByText("two")).toBeVisible();
    await expect.element(screen.getByText("No times are stored for these lines")).toBeVisible();
    expect([...document.querySelectorAll(".log-time")].map(({ textContent }) => textContent)).toEqual(["", ""]);
  });

  it("shows the times of what the live stream brings", async () => {
    changeSettings({ logTimes: true, zone: "utc" });
    const { screen, live, sent } = await showLog("one\n", ADDRESS, { status: "running" }, [{ at: 0, time: NOON }]);
    await expect.element(screen.getByText("12:00:00.0")).toBeVisible();

    const part = { attemptId: ID, offset: 4, text: "two\n", times: [{ at: 4, time: NOON + 5_000 }] };
    live.emit({ kind: "batch", messages: [{ kind: "log", id: "s1", part }] });

    await expect.element(screen.getByText("12:00:05.0")).toBeVisible();
    expect(sent.filter(({ path }) => path.endsWith("log-times"))).toHaveLength(1);
  });

  it("shows colors as tones, drops other sequences, and shows control characters by their codes", {
    tags: "page",
  }, async () => {
    const { screen } = await showLog(
      `${ESC}[31mError${ESC}[0m: no room\n${ESC}]8;;https://evil.example${ESC}\\click${ESC}]8;;${ESC}\\\n10%\r100%\n\u202egnp\n`,
    );

    await expect.element(screen.getByText("Error", { exact: true })).toHaveClass("tone-fail");
    const lines = [...document.querySelectorAll(".log-text")].map(({ textContent }) => textContent);
    expect(lines).toEqual(["Error: no room", "click ‹2›", "100%", "‹U+202E›gnp"]);
    expect(document.querySelector("a[href*=evil]")).toBeNull();
  });

  it("loads a log of 16 MiB by pieces, finds text in all of it, and keeps few rows", async () => {
    const line = (index: number) => `line ${String(index).padStart(10, "0")}\n`;
    const text = Array.from({ length: 1_048_576 }, (_, index) => line(index)).join("");
    const { screen, ranges, address } = await showLog(text);

    await expect.element(screen.getByText("line 0001048575")).toBeVisible();
    // Nothing but the end was requested to show the end.
    expect(ranges).toEqual(["bytes=-262144"]);
    await screen.getByRole("searchbox", { name: "Find in the log" }).fill("0000100000");
    await screen.getByRole("button", { name: "Next match" }).click();

    await expect.element(screen.getByText("line 0000100000")).toBeVisible();
    expect(address()).toContain(`line=${100_000 * 16}`);
    expect(document.querySelectorAll(".log-line").length).toBeLessThan(200);
  });

  it("follows the log of a running attempt, and no longer when the page is left", async () => {
    const { screen, live } = await showLog("connecting\n", ADDRESS, { status: "running" });
    await expect.element(screen.getByText("connecting")).toBeVisible();

    live.emit({
      kind: "batch",
      messages: [{ kind: "log", id: "s1", part: { attemptId: ID, offset: 11, text: "created\n" } }],
    });

    await expect.element(screen.getByText("created")).toBeVisible();
    expect(live.requests).toEqual([{ kind: "log", attemptId: ID }]);
    await screen.unmount();
    expect(live.requests.slice(1)).toContainEqual({ kind: "log" });
  });

  it("folds the steps of a log, keeps failures in them visible, and opens the step of a line that is looked for", {
    tags: "page",
  }, async () => {
    const { screen } = await showLog("▸ terraform init\nok\n::group::Tests\none\nERROR two\n::endgroup::\nend\n");
    const lines = () => [...document.querySelectorAll(".log-text")].map(({ textContent }) => textContent);

    await screen.getByRole("button", { name: "Fold steps" }).click();
    await expect.poll(lines).toEqual(["terraform init1 line", "Tests3 lines", "end"]);
    await expect.element(screen.getByRole("button", { name: /^Tests/ })).toHaveAttribute("aria-expanded", "false");
    expect(document.querySelectorAll(".log-line.cause")).toHaveLength(1);
    await screen.getByRole("button", { name: "Next error" }).click();

    await expect.poll(lines).toEqual(["terraform init1 line", "Tests", "one", "ERROR two", "::endgroup::", "end"]);
    await expect.element(screen.getByRole("button", { name: "Copy the link to this line" })).toBeVisible();
    await screen.getByRole("button", { name: /^terraform init/ }).click();
    await expect.poll(lines).toHaveLength(7);
  });

  it("ignores the log of another attempt", async () => {
    const { screen, live } = await showLog("connecting\n", ADDRESS, { status: "running" });
    await expect.element(screen.getByText("connecting")).toBeVisible();

    live.emit({
      kind: "batch",
      messages: [
        { kind: "log", id: "s1", part: { attemptId: "pr-9/e/1/app/1", offset: 11, text: "foreign\n" } },
        { kind: "log", id: "s1", part: { attemptId: ID, offset: 11, text: "own\n" } },
      ],
    });

    await expect.element(screen.getByText("own")).toBeVisible();
    await expect.element(screen.getByText("foreign")).not.toBeInTheDocument();
  });

  it("goes to errors, or reports that it found none", async () => {
    const { screen, address } = await showLog("start\nERROR no room\nend\n");

    await screen.getByRole("button", { name: "Next error" }).click();
    await expect.poll(address).toContain("line=6");
    await screen.getByRole("searchbox", { name: "Find in the log" }).fill("nowhere");
    await screen.getByRole("button", { name: "Next match" }).click();
    await expect.element(screen.getByText(/No match in this log/)).toBeVisible();
  });

  it("opens at the line of the address", async () => {
    const { screen } = await showLog(`${"x\n".repeat(5_000)}here\n${"y\n".repeat(5_000)}`, `${ADDRESS}&line=10000`);

    await expect.element(screen.getByText("here")).toBeVisible();
    expect(document.querySelector(".log-line.selected")?.textContent).toContain("here");
  });

  it("cuts long lines, and shows their rest on request", async () => {
    const { screen } = await showLog(`${"z".repeat(20_000)}end\n`);

    await screen.getByRole("button", { name: "Show rest (3.5 KiB)" }).click();
    await expect.poll(() => document.querySelector(".log-text")?.textContent?.endsWith("end")).toBe(true);
  });

  it("says that only the end of a log was kept", async () => {
    const { screen } = await showLog("… the beginning was cut …\nend\n");
    await expect.element(screen.getByText("Tail only")).toBeVisible();
  });

  it("says that nothing was written", async () => {
    const { screen } = await showLog("");
    await expect.element(screen.getByText("The task has not written anything.")).toBeVisible();
  });

  it("says that the attempt is not there", async () => {
    const { screen } = await renderPage(LogPage, ADDRESS, {});
    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "All stacks" })).toHaveAttribute("href", "/stacks");
  });

  it("says what to do without an attempt", async () => {
    const { screen } = await renderPage(LogPage, "/log", {});
    await expect.element(screen.getByText("stackyard stacks logs STACK TASK")).toBeVisible();
  });
});
