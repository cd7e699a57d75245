import { afterEach, expect, it, vi } from "vitest";
import { page } from "vitest/browser";
import { StackPage } from "../stack/stack-page.tsx";
import { anAttempt, aStack, stackApi } from "../testing/a-stack.ts";
import { renderPage } from "../testing/render-page.tsx";
import { CopyImage } from "./copy-image.tsx";

afterEach(() => vi.restoreAllMocks());

/** Collects what pages copy instead of the clipboard of the machine. */
function collectCopied(): Blob[] {
  const copied: Blob[] = [];
  vi.spyOn(navigator.clipboard, "write").mockImplementation(async (items) => {
    for (const item of items) copied.push(await item.getType("image/png"));
  });
  return copied;
}

/** Returns the size of an image, and how many colors it has. */
async function look(image: Blob | undefined) {
  const bitmap = await createImageBitmap(image ?? new Blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context?.drawImage(bitmap, 0, 0);
  const { data } = context?.getImageData(0, 0, bitmap.width, bitmap.height) ?? { data: [] };
  const colors = new Set<string>();
  for (let at = 0; at < data.length; at += 4) colors.add(data.slice(at, at + 3).join());
  return { width: bitmap.width, height: bitmap.height, colors: colors.size, data };
}

async function showStack() {
  await page.viewport(1_440, 1_200);
  const dispatchedAt = new Date(Date.now() - 60_000).toISOString();
  const attempt = anAttempt({ dispatchedAt });
  const tasks = [{ name: "database", status: "ERROR" as const, errorMessage: "no room", why: "Failed", attempt }];
  const stack = aStack({ enteredAt: new Date(Date.now() - 120_000).toISOString(), attempts: [attempt], tasks });
  return renderPage(StackPage, "/stack?id=pr-12", stackApi(stack));
}

it("copies a graph as shown, with the colors of its marks, in its own size", async () => {
  const copied = collectCopied();
  const { screen } = await showStack();

  await screen.getByRole("button", { name: "Copy the graph as an image" }).click();

  await expect.element(screen.getByText("The image is copied")).toBeVisible();
  const svg = document.querySelector<SVGSVGElement>("svg.graph");
  const { width, colors } = await look(copied[0]);
  expect(Math.abs(width - 2 * (svg?.viewBox.baseVal.width ?? 0))).toBeLessThan(4);
  expect(colors).toBeGreaterThan(10);
});

it("says why nothing is copied before the drawing is there, instead of doing nothing", async () => {
  const { screen } = await renderPage(() => <CopyImage of={null} what="graph" file="Graph" />, "/", {});

  const button = screen.getByRole("button", { name: "Copy the graph as an image" });

  await expect.element(button).toHaveAttribute("aria-disabled", "true");
  await expect.element(button).toHaveAccessibleDescription("The graph is not drawn.");
});

it("copies a timeline with its bars", async () => {
  const copied = collectCopied();
  const { screen } = await showStack();

  await screen.getByRole("button", { name: "Copy the timeline as an image" }).click();

  await expect.element(screen.getByText("The image is copied")).toBeVisible();
  const { colors, height } = await look(copied[0]);
  expect(height).toBeGreaterThan(60);
  expect(colors).toBeGreaterThan(10);
});

it("saves a file where the browser refuses to copy", async () => {
  vi.spyOn(navigator.clipboard, "write").mockRejectedValue(new DOMException("denied", "NotAllowedError"));
  const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  const { screen } = await showStack();

  await screen.getByRole("button", { name: "Copy the graph as an image" }).click();

  await expect.element(screen.getByText(/It is saved as Graph of review-app\.png/)).toBeVisible();
  expect(clicked).toHaveBeenCalledTimes(1);
});
