import { beforeEach, expect, it, onTestFinished } from "vitest";
import { MACHINE, openWorkbench, selectState, textOf } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());

/** Catches what is downloaded next. */
function catchDownload(): Promise<string> {
  const { createObjectURL } = URL;
  onTestFinished(() => {
    URL.createObjectURL = createObjectURL;
  });
  return new Promise((resolve) => {
    URL.createObjectURL = (content) => {
      if (content instanceof Blob) resolve(content.text());
      return "blob:none";
    };
  });
}

it("marks in the graph what differs from another revision, with what is gone", async () => {
  const text = MACHINE.replace("MERGED: GONE }", "MERGED: GONE, OPENED: NEW }\n  NEW:\n    on: { MERGED: GONE }");
  const second = { file: "shop newest", name: "shop", text };
  const { screen } = await openWorkbench(MACHINE, { second, tab: "diff" });

  await expect.element(screen.getByTestId("rf__node-NEW").getByText("− NEW")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE").getByText("~ LIVE")).toBeVisible();
  await expect.element(screen.getByText("− OPENED")).toBeVisible();
  await expect.element(screen.getByText(/Compared with "shop newest"/)).toBeVisible();
  await screen.getByRole("tab", { name: /Problems/ }).click();
  await expect.element(screen.getByTestId("rf__node-NEW")).not.toBeInTheDocument();
});

it("exports the graph with states where they were moved to", async () => {
  const moved = { LIVE: { x: 1_000, y: 700 } };
  localStorage.setItem("stackyard-layouts", JSON.stringify([["file review-app.yaml", moved]]));
  const { screen } = await openWorkbench(MACHINE);
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeInTheDocument();
  const downloaded = catchDownload();

  await screen.getByRole("button", { name: "Export" }).click();
  await screen.getByRole("button", { name: "SVG" }).click();

  const box = /<rect x="([\d.]+)" y="([\d.]+)"[^>]*>(?:(?!<rect).)*LIVE/s.exec(await downloaded);
  expect([Number(box?.[1]), Number(box?.[2])]).toEqual([expect.closeTo(1_000, -2), expect.closeTo(700, -1)]);
});

it("has room for text or graph on a phone, and cuts nothing off", async () => {
  const { screen } = await openWorkbench(MACHINE, { width: 360 });
  await selectState(screen, "LIVE");
  const area = () => document.scrollingElement ?? document.body;
  await expect.element(screen.getByRole("heading", { name: "LIVE" })).toBeVisible();
  expect(area().scrollWidth).toBe(360);
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(false);

  await screen.getByRole("button", { name: "Show in text" }).click();

  await expect.poll(textOf).toContain("LIVE:");
  expect(document.querySelector(".text-pane")?.checkVisibility()).toBe(true);
  await expect.element(screen.getByRole("tab", { name: "Text" })).toHaveAttribute("aria-selected", "true");
  await screen.getByRole("tab", { name: "Simulation" }).click();
  await screen.getByRole("button", { name: "Send" }).click();
  await expect.element(screen.getByText(/1 of 2 reactions tried/)).toBeVisible();
  expect(area().scrollWidth).toBe(360);
});
